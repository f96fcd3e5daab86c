// Package demo plays sessions on a test server, breaks the connection in many
// ways, and counts at both ends what was emitted and what has arrived.
package demo
