// Package testserver is a real server of event streams for tests and trials: the
// server side of Aegis's session streams, plain streams beside them, and on
// demand everything that goes wrong between a server and its clients.
//
//	srv := testserver.New(t)          // on a loopback socket; the test's end closes it
//	srv := testserver.NewInMemory(t)  // without sockets, also in a testing/synctest bubble
//	srv, err := testserver.Start(nil) // in a program, which links no testing package
//
// A test makes streams, lets things go wrong, and waits for facts:
//
//	s := srv.Session("abc")                           // GET s.URL()
//	srv.Inject(testserver.CutInsideEvent().AfterEvents(2))
//	… start the client, srv.WaitConns(ctx, 1) …
//	last := s.Ended("done")
//	srv.WaitDelivered(ctx, "abc", last)               // over whatever connection
//	srv.AssertNoGap(t, "abc", seen...)                // what the client saw
//
// When a test fails, the journal of its requests is logged.
//
// # Streams
//
// A [Session] has its own stream and appears on the global one. A [Stream] is a
// plain one. Each has a log that readers follow with cursors; a replay after a
// Last-Event-ID is a read like any other, further back, so nothing is lost or
// doubled where the replay ends and the live events begin.
//
// Without a Last-Event-ID a reader starts live. With one it starts behind the
// event of that id; 0, garbage and ids of the future get all that is kept: the
// newest 50 events, unless [Options.Window] says otherwise. The response carries
// Sse-Run, which names the run of the id counter, and, if the replay does not reach
// back to the id that was asked for, Last-Event-ID: the id of the event before the
// replay's first, or "earliest" if that is not known. A client that sends Sse-Run
// back with its Last-Event-ID gets all that is kept, and "earliest", when the
// counter has a new run: its id means nothing there, although there may be one
// that is equal.
//
// # Faults
//
// [Server.Inject] puts a [Fault] in force: a kind ([Status], [Cut], [Stall],
// [Slice], [Repeat], …), the connections that it strikes ([Fault.On],
// [Fault.Conn], [Fault.Header]), when ([Fault.AfterEvents], [Fault.AfterBytes],
// [Fault.AfterTime]) and how often ([Fault.Times], [Fault.Always],
// [Fault.Probability]). Faults reach below net/http: a stream can end inside an
// event, inside a chunk header, or with a TCP reset. [Server.Restart] is a whole
// server that goes away and comes back.
//
// A Fault's JSON is what the control API takes. The same program in any language
// drives the server there; docs/control.md describes it.
//
// # Time
//
// Waiting (WaitConns, WaitDelivered, WaitRequests, [Handle.WaitFired]) is for
// facts, and wakes when they are true; no test needs a sleep. In a testing/synctest
// bubble, heartbeats, write timeouts, retirements and faults follow the bubble's
// clock.
//
// # Concurrency
//
// All methods are safe for concurrent use. Publishing takes one lock, appends to
// the logs, wakes the readers and returns; it never waits for a client, however
// slow. A reader that falls behind the bounds of its log ([Options.LagEvents],
// [Options.LagBytes]) is cut, and its resume is told of the gap. A client that
// takes longer than [Options.WriteTimeout] for 64 KiB of a write is cut.
package testserver
