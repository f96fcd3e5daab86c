// Package access is what it takes to reach a stream: headers, tokens, TLS, and the
// way to the server. It says which secret goes to which server.
package access
