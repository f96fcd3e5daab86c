// Package testserver is a real server of event streams for tests and trials: the
// server side of Aegis's session streams, plain streams beside them, and on
// demand everything that goes wrong between a server and its clients.
//
//	srv := testserver.New(t)          // on a loopback socket; the test's end closes it
//	srv := testserver.NewInMemory(t)  // without sockets, also in a testing/synctest bubble
//	srv, err := testserver.Start(nil) // in a program
//
// # Streams
//
// A [Session] has its own stream and appears on the global one. A [Stream] is a
// plain one. Each has a log that readers follow with cursors; a replay after a
// Last-Event-ID is a read like any other, further back, so nothing is lost or
// doubled where the replay ends and the live events begin.
//
// A response carries Sse-Run, which names the run of the id counter, and
// Last-Event-ID if the replay does not reach back to the id that was asked for:
// the id of the event before the replay's first, or "earliest".
//
// # Faults
//
// [Server.Inject] puts a [Fault] in force. Faults reach below net/http: a stream
// can end inside an event, inside a chunk header, or with a TCP reset.
//
// # Concurrency
//
// All methods are safe for concurrent use. Publishing takes one lock, appends to
// the logs, wakes the readers and returns; it never waits for a client, however
// slow. A reader that falls behind the bounds of its log ([Options.LagEvents],
// [Options.LagBytes]) is cut, and its resume is told of the gap. A client that
// takes no byte of a write for [Options.WriteTimeout] is cut.
//
// Waiting (WaitConns, WaitDelivered, [Handle.WaitFired]) is for facts, and wakes
// when they are true; no test needs a sleep.
package testserver
