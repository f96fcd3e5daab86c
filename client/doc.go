// Package client follows one stream of server-sent events for good: it
// reconnects when the connection fails, waits longer each time, gives up when an
// outage has lasted too long, and resumes where it left off.
//
//	es, err := client.Session("http://127.0.0.1:9100", "abc", nil)
//	if err != nil { … }
//	for ev, err := range es.Events(ctx) {
//		if err != nil { … } // the last pair
//		fmt.Println(ev.ID, ev.Data)
//	}
//
// [New] follows any stream, [Session] and [Global] those of an Aegis server.
//
// # Delivery
//
// An event is committed when the body asks for the next one, or calls
// [EventSource.Commit]. The position, which is the last event ID that was
// committed, goes with each attempt as Last-Event-ID.
//
//   - Within a process each event that the server still has is yielded, and
//     none that was committed is yielded again: exactly once, as far as the
//     server's replay reaches and its ids are honest.
//   - Over restarts of the process, with a [Cursor], it is at least once: what
//     was committed but not saved when the process was killed comes again. Saves
//     are coalesced; one is made before each wait for bytes, so what may come
//     again is what came with the last read. With Options.SaveEach it is the one
//     event that was at hand.
//   - A body that panics or breaks without Commit has not committed its event;
//     the next loop yields it again, if there is a position before it to ask
//     after: a stream that began live has none until its first event is committed.
//   - A server that can't go back far enough says so (response header
//     Last-Event-ID or Mercure-Last-Event-ID, or an Sse-Run that is not the last
//     one): that is a [GapError], reported to the observer or, with
//     Options.FailOnGap, returned. A server that says nothing can lose events
//     without a trace; but see below for those of Aegis.
//   - An event that was cut off is dropped with its id, and comes again with the
//     replay.
//   - Session streams drop exact repeats (same id, type and data as one of the
//     last 256), as servers send them where replay meets live. Nothing is
//     dropped because its id is smaller: a restarted server counts anew.
//
// # Servers that say nothing of gaps
//
// Real Aegis servers name no run and do not say where a replay starts. On session
// streams and the global one their frames are looked at instead:
//
//   - An event whose id is not above the position, emitted later than the position's
//     event: the server was restarted and counts anew. A certain gap. The position
//     has the time with it, and a cursor keeps it.
//   - A replay of as many events as the server keeps (Options.ServerWindow), which
//     does not begin right behind the position: a possible gap, which is known at
//     the last of them. A replay that holds the position is complete.
//   - A jump of the global stream's ids, where they have been contiguous so far: a
//     possible gap.
//   - A global stream that has no ids (Aegis 1.3.3): each reconnect is a possible gap.
//   - A stream that is lost before its first event has no position. The next attempt
//     asks for all there is, and drops what was emitted before the first connection
//     began. If the clock was put back meanwhile, nothing is dropped.
//
// What can't be noticed so:
//
//   - A restarted server whose counter has passed the position before the source is
//     back: its replay looks like that of the old run. What the old run had not
//     sent, and what the new one no longer keeps, is lost without a word.
//   - A restart behind a position without a time: one that was given by
//     Options.LastEventID, or kept by a cursor that keeps no times.
//   - A restart on a server whose clock was put back behind the position's event, and
//     one whose first event falls into the same millisecond.
//   - What a server without ids lost between the last event and the end of its
//     connection; and with ids, that a full replay was complete all the same, since a
//     session's ids have holes: that is why such a gap is only possible.
//   - What a server that keeps fewer events than Options.ServerWindow says has dropped.
//   - Anything, where an Aegis server is followed by [New] instead of [Session] or
//     [Global].
//
// # Order
//
// Events are yielded in the order of the stream. What the observer is told fits
// between them: all of it happens on the goroutine that ranges, one after the
// other, and nothing after the loop has returned.
//
// # Waiting and giving up
//
// A failed attempt is followed by a delay: 1 s, doubled up to 30 s, with jitter
// (see package backoff). Success ends the outage and resets the delays: an event
// that is no control frame, or a connection that stayed open for
// Options.HealthyAfter; a response alone does not, or a server that accepts and
// drops would be asked each second for ever. When an outage has lasted 5 minutes
// the loop ends with a [GiveUpError]. [Retryable] says which failures are waited
// for and which end the loop at once.
//
// # Liveness
//
// A stream without a byte for Options.IdleTimeout is dropped and opened anew.
// Heartbeats keep it alive although the producer behind the server may be dead;
// Options.EventTimeout looks for that. Both run only while the loop waits for
// bytes, so a body that takes an hour does no harm; but what the server does
// with a client that does not read for an hour is up to the server.
//
// # Memory and back-pressure
//
// There is no queue and no goroutine of this package's: a body that is slow
// fills the socket's buffers and then holds the server up. One event may have
// [Options].MaxEventSize bytes, 16 MiB unless told; a larger one is a permanent
// error. Strings of an event share one allocation; clone what is kept for long.
//
// # Concurrency
//
// One loop runs over an [EventSource] at a time; a second one yields [ErrBusy].
// Stats, LastEventID and Target may be called from any goroutine. Everything the
// caller brings (Prepare, Observer, BeforeWait, Retryable, the cursor) is called
// on the goroutine that ranges and never under a lock, so it may call those, and
// cancel the context.
//
// # Secrets
//
// Error texts, log values and [EventSource.Target] hold no header, no query and
// no user info of the stream's URL. A [Transition] and a [ResponseError] carry
// the response's header, for programs; their texts do not.
package client
