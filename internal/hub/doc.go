// Package hub is the engine of the server side: logs of events, readers with
// cursors, the connections that carry them, and the HTTP around these. Package
// server is its public face, and package testserver is a server on top of it. It
// calls packages sse and session, and nothing else of ours.
//
// # What it owns
//
// A [Hub] has one counter, the log of the global stream, a [Session] with its log
// for each session and a [Stream] with its log for each plain stream. A log keeps
// frames in wire form; a connection has a cursor in it, which is a number and pins
// nothing. A replay is a read with a cursor further back, so there is no seam between
// replay and live delivery. Events that left the log may still come from a
// [History].
//
// # The lock
//
// One mutex guards the counter, the logs, the lists of connections, and the fields
// of a connection that others than its own goroutine touch. Who holds it does no
// I/O and does not wait. Publishing takes it once, appends, and rings the readers
// that wait after it is released.
//
// # The two interfaces
//
// A [Seam] decides what happens to a connection, a [Watcher] is told what happened.
// Both are nil in production, and cost nothing then. The watcher, and of the seam
// [Seam.Admit] alone, are called with the lock held, in the order of the facts: they
// must not call the hub and must not wait. A caller that has a lock of his own and
// takes it in there must not hold it when he calls the hub.
package hub
