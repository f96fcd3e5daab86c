// Package explain says in a person's words what went wrong with a stream, and
// what to do about it where that is known. It knows the errors of the packages sse,
// session and client; what a server said comes out of it safe to show.
package explain
