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
//   - An event that was cut off is dropped with its id, and comes again with the
//     replay.
//   - Session streams drop exact repeats (same id, type and data as one of the
//     last 256), as servers send them where replay meets live. Nothing is
//     dropped because its id is smaller: a restarted server counts anew.
//
// # Batches
//
// A body that gathers events and writes them together says with
// Options.ManualCommit that asking for the next event commits nothing; Commit
// does, for all that was yielded. A source has two positions then. A lost
// connection is resumed behind the last event yielded, so a batch goes on over it.
// The cursor, and the next loop, stand behind the last event committed, so a
// process that is killed with half a batch gets that half again.
//
// Options.BeforeWait is where a batch is flushed that need not wait for more. It is
// called before each save as well: flush, then save, also at the end, so that no
// position is ever ahead of what was flushed. While it fails nothing is saved.
//
// # Gaps
//
// A server that can't go back far enough says so (response header Last-Event-ID or
// Mercure-Last-Event-ID, or an Sse-Run that is not the last one): that is a
// [GapError], reported to the observer or, with Options.FailOnGap, the loop's error.
// Then each later loop, and each later process with the same cursor, meets it again,
// until [EventSource.Accept] lets the next loop start where that response began.
// [EventSource.Seek] goes elsewhere.
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
// that is no control frame, or a connection that was waited on for
// Options.HealthyAfter; a response alone does not, or a server that accepts and
// drops would be asked each second for ever. What callbacks and the body take of the
// time counts for nothing. When an outage has lasted 5 minutes the loop ends with a
// [GiveUpError]. [Retryable] says which failures are waited for and which end the
// loop at once.
//
// A loop that begins right behind one that failed, or was refused, waits as the next
// attempt would have. So a supervisor may range again for ever, without a delay of
// its own: the server is asked as often as by one loop, and the give-ups are its news.
//
// Sources of one origin can share a [backoff.Breaker]. In an outage one of them at a
// time asks, and the others wait for its answer; each gives up by itself, counted
// from its own first failure or wait.
//
// # Time limits
//
// [Timeouts] bound each wait of a connection. A stream without a byte for Idle is
// dropped and opened anew. Heartbeats keep it alive although the producer behind the
// server may be dead; Event looks for that. Both run only while the loop waits for
// bytes, so a body that takes an hour does no harm; but what the server does with a
// client that does not read for an hour is up to the server.
//
// # Ending
//
// Leaving the loop ends it, and so does the context, at once and with its cause as
// the last error. [EventSource.Drain] is the quiet way for another goroutine: waits
// are cut, the event at hand is done and committed, the position is saved.
//
// # Memory and back-pressure
//
// There is no queue and no goroutine of this package's: a body that is slow
// fills the socket's buffers and then holds the server up. One event may have
// [Options].MaxEventSize bytes, 16 MiB unless told; a larger one is a permanent
// error. An id that is sent back has 4 KiB at most, the name of a run 256 bytes, and
// 1 KiB is kept of a refused response. Strings of an event share one allocation;
// clone what is kept for long.
//
// # Concurrency
//
// One loop runs over an [EventSource] at a time; a second one yields [ErrBusy].
// Stats, LastEventID, Target and Drain may be called from any goroutine; Commit from
// the one that ranges; Accept, Seek and Forget while no loop runs. Everything the
// caller brings (Prepare, Observer, OnComment, BeforeWait, Retryable, the cursor) is
// called on the goroutine that ranges and never under a lock, so it may call those,
// and cancel the context. Several sources may share an observer, which then takes
// care of its own locking: [Transition].Target tells them apart.
//
// # Secrets
//
// Error texts hold no header, no query and no user info of the stream's URL;
// [EventSource.Target] and log values no header, no user info, and of the query
// nothing that may be secret. A [Transition] and a [ResponseError] carry
// the response's header, for programs; their texts do not.
package client
