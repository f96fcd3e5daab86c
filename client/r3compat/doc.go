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
//   - A stream that has ids is followed again when it ends cleanly, and a channel is
//     always. It used to return nil, and a channel fell silent (#75, #145, #147,
//     #148, #175).
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
//   - 204 ends a subscription. A Retry-After and a stream's retry field are obeyed.
//   - The error of a refused response has the beginning of its body: look for a
//     *client.ResponseError with errors.As.
//   - An event of more than 64 KiB arrives; the limit is 16 MiB, and a longer one
//     is an error. It used to be requested for ever.
//   - A leading byte order mark does not cost the first event. An event that the end
//     of the stream cuts short is not delivered, nor its id sent. An id with a NUL
//     is ignored, an empty one resets, and one that no header can carry stops
//     nothing. An empty data field is an event.
//   - A connection that brings no byte for 5 minutes is given up for another one
//     ([ClientTune] has the Timeouts).
//   - Each subscription has a position of its own, behind what its caller was given.
//     LastEventID used to be sent for whichever stream came next, and the position
//     was ahead of what a channel's reader had.
//   - The event that a server repeats after a reconnect, as r3labs' does, is dropped
//     (#52, #61).
//   - Headers are not sent to another origin that a request is redirected to.
//   - Several subscriptions may share a client, and callbacks may change its fields.
//   - OnConnect is called when the stream is open, not when its first event has
//     come; and at each connection, not only the first.
//
// # What is as it was
//
// Whatever fails, a refusal such as 401 or 404 too, is tried again as the
// ReconnectStrategy says, so that a program that subscribes in a loop does so at
// the strategy's pace. What the strategy stops at is returned with r3labs' text
// ("could not connect to stream: Unauthorized", "token too long"). An explicit type
// "message" arrives. A one-shot stream, one that ends cleanly and has given neither
// ids nor a reconnection time, ends Subscribe without an error, and a clean end
// that a strategy stops at does so too.
//
// # What differs, and the way back
//
// Tuned is what a function given to [ClientTune] sets in the engine's options.
//
//	here                                     r3labs                      the way back
//	---------------------------------------  --------------------------  ------------------------------------------
//	a stream with ids (or retry) that ends   Subscribe returns nil       tuned Retryable false for client.ErrEnded
//	cleanly is followed
//	SubscribeChan follows clean ends         falls silent                the same, or Client.Unsubscribe
//	no strategy: 1 s to 30 s, 15 min into    0.5 s to 60 s, 15 min of    ReconnectStrategy =
//	an outage                                the client's life           backoff.NewExponentialBackOff()
//	after a 401 one attempt follows at once  waits                       none; the strategy counts it
//	a type other than text/event-stream is   read as a stream            ResponseValidator that returns nil
//	a failed attempt
//	an event over the limit, a gap that is   tried again                 none; larger: [ClientMaxBufferSize]
//	made an error, and an unusable URL or
//	option end a subscription at once
//	16 MiB for one event                     64 KiB                      ClientMaxBufferSize(1 << 16)
//	the last failure is wrapped, for         the failure itself          errors.Is, errors.As; the text is the same
//	a *client.GiveUpError
//	network errors do not repeat the URL     Get "URL": …                none: it may hold a secret
//	block without data is no event           an event                    none: the standard says so; its id counts
//	an event inherits ids as the standard    from any stream             none
//	says, per subscription
//	5 min without a byte is a failure        waits for ever              tuned Timeouts.Idle backoff.Off
//	OnConnect when the stream is open, each  with the first event, once  none
//	time
//	OnDisconnect for each connection that    not at a clean end          none
//	was open
//	Last-Event-ID among the Headers counts   sent each time              Headers changed in a callback
//	once, at the beginning
//	Connection.Timeout bounds opening        ends the stream             the subscription's context
//	data that is not base64, with            up to its first fault       none
//	EncodingBase64, arrives as it was sent
//	LastEventID and Connection are read      before each attempt         unsubscribe and subscribe
//	when a subscription begins
//	the first event of a connection is       delivered                   none: r3labs' server repeats it each time
//	dropped if it equals the last one, with
//	the same id of its own
//	headers are not sent to another origin   sent                        none: they may be secrets
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
