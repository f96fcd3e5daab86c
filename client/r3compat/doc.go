// Package sse has the API of github.com/r3labs/sse/v2 on the engine of this module.
// Code that uses r3labs' client changes its import path and nothing else:
//
//	import sse "github.com/OneStepAt4time/resilient-sse/client/r3compat"
//
// [Event] and all that serves streams are r3labs' own; [Client] is not. New code
// is better off with package client, which has no callbacks and no channels.
//
// # What behaves better
//
// In r3labs v2.10.0; the numbers are those of its issues.
//
//   - A stream that ends, cleanly or not, is followed again. It used to return
//     nil, and a channel fell silent (#75, #145, #147, #148, #175).
//   - Waits start anew after success; they used to grow for the client's life
//     (#152). A client does not give up 15 minutes after it began, but 15 minutes
//     into an outage (#68). A ReconnectStrategy's own time limit counts from the
//     beginning of an outage too.
//   - The end of a context ends a subscription at once, in the middle of a stream,
//     of an attempt and of a wait, and leaves no goroutine. It used to be retried,
//     or to hang with two goroutines for each subscription.
//   - Unsubscribe returns at once, may be called twice and from a callback, and
//     nothing is sent on the channel after it. It used to wait for a reader that
//     might not come, with a lock in its hand, and left a goroutine and a
//     connection (#76).
//   - 204 ends a subscription. 401, 403, 404 and what else no retry mends is
//     returned, as a *client.ResponseError with the beginning of the body. A
//     Retry-After and a stream's retry field are obeyed.
//   - A response that is not text/event-stream is not read as if it were.
//   - An event of more than 64 KiB arrives; the limit is 16 MiB, and a longer one
//     is an error. It used to be requested for ever.
//   - A leading byte order mark does not cost the first event. An event that the end
//     of the stream cuts short is not delivered, nor its id sent. An id with a NUL
//     is ignored, an empty one resets, and one that no header can carry stops
//     nothing. An empty data field is an event.
//   - A connection that brings no byte for 5 minutes is given up for another one
//     ([ClientTune] has the IdleTimeout).
//   - Each subscription has a position of its own. LastEventID used to be sent for
//     whichever stream came next, and was ahead of what a channel's reader had.
//   - The event that a server repeats after a reconnect, as r3labs' does, is dropped
//     (#52, #61).
//   - Headers are not sent to another origin that a request is redirected to.
//   - Several subscriptions may share a client, and callbacks may change its fields.
//   - OnConnect is called when the stream is open, not when its first event has
//     come; and at each connection, not only the first.
//
// # What differs
//
//   - A block without a data field is no event, whatever else it has: the standard
//     says so. Its id counts.
//   - The type "message" arrives as an empty Event field, also if the server spelled
//     it out.
//   - OnDisconnect is called for each connection that was open, also when it ends
//     cleanly or because the caller wishes so.
//   - What a strategy's Stop ends in is a *client.GiveUpError around the last
//     failure, not the failure itself: use errors.Is and errors.As.
//   - A Last-Event-ID among the Headers counts once. It used to be sent each time,
//     which brought the same events each time.
//   - A Timeout of Connection bounds opening. It used to end the stream.
//   - Data that is not base64 with EncodingBase64 arrives as it was sent. It used to
//     arrive up to its first fault.
//   - LastEventID and Connection are read when a subscription begins, not before
//     each attempt.
//   - A connection's first event is taken for a repeat if it equals the last one
//     before, with the same id of its own. A server that gives all its events one id
//     may mean another one.
//
// What r3labs does not have is [ClientTune], [Client.OnEnd] and [Client.Update].
//
// The server is as it was: it begins a replay with the event that the client has,
// refuses a Last-Event-ID that is not a number, lets a line end in a field forge
// another field, keeps its log for ever, and blocks its publisher while a reader
// stalls.
//
// HTTP/2: a connection that has died without a word is found out by pings, which
// http.DefaultTransport does not send. Set Connection.Transport to what
// client.NewTransport returns.
package sse
