// Package memnet is a network inside one process: connections with buffers of a
// fixed size, so that a reader that does not read stalls its writer as a socket
// does, and a listener to dial.
//
// It is made for testing/synctest: it blocks on nothing but sync.Cond and
// channels, takes its deadlines from timers, and starts no goroutine. What a
// bubble creates here belongs to the bubble.
package memnet
