// Package server publishes session streams (package session) and plain event streams to
// many readers, each of whom may come and go and loses nothing.
//
//	srv, err := server.New(nil)
//	mux.Handle("/v1/", srv)      // sessions
//	mux.Handle("/events", srv)   // plain streams
//	s, err := srv.Session("abc")
//	s.Message("assistant", "hi") // never waits for a client
//
// It is the engine of package testserver, without faults: what a test ran against is
// what runs in production.
//
// # Streams
//
// Each stream has a log that readers follow with cursors. A replay after a
// Last-Event-ID is a read like any other, further back, so nothing is lost or doubled
// where the replay ends and the live events begin. Nobody needs to be connected for
// events to be kept.
//
// Without a Last-Event-ID a reader starts live; behind connected it gets a block with
// nothing but the newest id, so that it resumes exactly also if it is cut before its
// first event. With one it starts behind the event of that id; 0, garbage and ids of
// the future get all that is kept: the newest 50 events, unless [Options.Window] says
// otherwise. The response carries Sse-Run, which names the run of the id counter, and,
// if the replay does not reach back to the id that was asked for, Last-Event-ID: the id
// of the event before the replay's first, or "earliest" if that is not known. A client
// that sends Sse-Run back with its id is told of a new run in the same way.
//
// # In front of it
//
// A server is an [http.Handler] and has no listener. Behind handlers that wrap the
// response writer it works as long as that has Unwrap (see [http.ResponseController]),
// or Flush; without either it answers 500. A compressing handler in front would hold
// events back, so leave streams out of it. [http.TimeoutHandler] can't stream.
//
// [http.Server.WriteTimeout] and ReadTimeout are for answers: they are taken off for a
// stream, which has [Options.WriteTimeout] for each 64 KiB instead.
// [http.Server.Shutdown] needs to be told of streams: see [Server.Shutdown].
//
// # What is promised under load
//
//   - Publishing takes one lock, appends to the logs, wakes the readers and returns. It
//     never waits for a client, however slow or many, and never for [History],
//     [Options.Authorize] or an [Observer].
//   - A reader that is behind gets what has gathered in one write. It slows nobody else
//     down.
//   - A reader that falls behind the bounds of its log ([Options.LagEvents],
//     [Options.LagBytes]), or behind all logs' ([Options.TotalBytes]), is cut, and its
//     resume is told of the gap; with a History it reads on there, and is not cut.
//   - A client that takes longer than [Options.WriteTimeout] for 64 KiB is cut.
//   - Events of one stream come in the order in which they were published, each once on
//     one connection.
//
// # Memory
//
// A log keeps its window, whoever reads: [Options.Window] events for each session, for
// each plain stream, and for the global one, which has every session's events again. It
// begins with 1 KiB and doubles. What is kept beyond that, for readers that are behind,
// is bounded for each log and for all together. An ended session keeps its log for
// [Options.RetireAfter].
//
// An idle connection of HTTP/1.1 takes some 26 KiB, measured over 2,000 of them with Go
// 1.26 on linux/amd64: 14 in the heap, most of it net/http's, and 12 as stacks of two
// goroutines. With [Options.NoHijack] it is 27. One of HTTP/2 takes what its stream
// takes in net/http. No event is copied for a connection but into the chunk that
// carries it, and no request's body is kept.
//
// # Concurrency
//
// All methods are safe for concurrent use. [Options.Authorize], [Options.Observer] and
// [Options.History] are called on the goroutines of requests, without a lock held, and
// may publish. Their contexts end with the request and with the server;
// [Server.Shutdown] waits for those under way, so it can't be called from them.
//
// # Inside
//
// This package owns the words: it is internal/hub, which has the logs, the connections
// and the one lock, in types of its own. It has neither a lock nor a goroutine.
package server
