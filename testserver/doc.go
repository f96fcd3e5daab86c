// Package testserver is a real server of event streams for tests and trials: package
// server, with a listener of its own, and on demand everything that goes wrong between
// a server and its clients.
//
//	srv := testserver.New(t)               // on a loopback socket; the test's end closes it
//	srv := testserver.NewInMemory(t)       // without sockets, also in a testing/synctest bubble
//	srv, err := testserver.Start(nil)      // in a program, which links no testing package
//	srv, err := testserver.Proxy(url, nil) // faults in front of a real server
//
// A test makes streams, lets things go wrong, and waits for facts:
//
//	s := srv.Session("abc")                    // GET s.URL()
//	srv.Inject(fault.CutInsideEvent().AfterEvents(2))
//	… start the client, srv.For(t).Conns(1) …
//	last := s.Ended("done")
//	srv.For(t).Delivered("abc", last)          // over whatever connection
//	srv.AssertAll(t, "abc", seen...)           // what the client saw
//	srv.AssertFired(t)                         // and the faults did strike
//
// When a test fails, the journal of its requests is logged, and the faults that never
// struck are named.
//
// # Streams
//
// [Server.Session] and [Server.Stream] hand out the types of package server, which says
// what a resume gets and what a response's headers mean. A test names streams by their
// names: a session's id, a plain stream's name, or [Global]. A name is of one kind, so
// that a fault, a wait or an assertion means one stream. [Options.Profile] lets the
// server behave as a real Aegis server.
//
// # Faults
//
// [Server.Inject] puts faults of package fault in force: a kind, the connections that it
// strikes, when, and how often. They reach below net/http: a stream can end inside an
// event, inside a chunk header, or with a TCP reset. [Server.Restart] is a whole server
// that goes away and comes back.
//
// A fault's JSON is what the control API takes. The same program in any language drives
// the server there; docs/control.md describes it. A person opens the API's address in a
// browser.
//
// # Facts
//
// Waiting ([Server.WaitConns], [Server.WaitDelivered], [Server.WaitRequests],
// [Handle.WaitFired]; [Server.For] has forms that end the test by themselves) wakes when
// the fact is one; no test needs a sleep. An event is delivered when it was written as a
// whole to a connection: [Server.Delivered] and [Server.Conns] say to which. In a
// testing/synctest bubble, heartbeats, write timeouts, retirements and faults follow the
// bubble's clock.
//
// # Inside
//
// The hub's engine serves streams. Its seam asks the faults (seam.go), its watcher tells
// the book (book.go): journal, what was published, who got what, who waits. The book has
// one lock, a leaf: who holds it calls neither the hub nor the faults. A proxy has no
// hub's stream; proxy.go carries its bytes.
//
// # Concurrency
//
// All methods are safe for concurrent use. Publishing never waits for a client, however
// slow. Close returns when no handler runs any more.
package testserver
