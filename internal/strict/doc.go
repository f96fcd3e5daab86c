// Package strict decodes JSON that a person or another program has written for us,
// and says in their words what is wrong with it. What encoding/json lets pass is an
// error here: members that are unknown, in another case, or there twice. Null is the
// same as absent, because many languages write absent members so.
//
// It keeps nothing and calls nobody but encoding/json.
package strict
