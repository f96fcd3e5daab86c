// Package shell splits commands into words and quotes words, as a shell does. It
// runs none.
package shell
