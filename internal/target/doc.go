// Package target is what a command line names to follow: a URL, a session of a
// server, or all sessions of one.
package target
