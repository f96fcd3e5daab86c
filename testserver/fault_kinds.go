package testserver

import "time"

// Refuse refuses connections. In memory and without [Fault.For] it refuses as
// many dials as it may strike. Otherwise the port is shut, because nobody is told
// of a connection that the kernel refuses: for as long as For says, until the fault
// is removed with [Fault.Always], else for 1 s.
func Refuse() Fault { return Fault{spec{Kind: nameRefuse}} }

// ResetOnAccept resets a TCP connection as soon as it is accepted.
func ResetOnAccept() Fault { return Fault{spec{Kind: nameResetOnAccept}} }

// NoAnswer takes the request and never answers.
func NoAnswer() Fault { return Fault{spec{Kind: "no_answer"}} }

// SlowHeaders sends the response, whatever it is, after d.
func SlowHeaders(d time.Duration) Fault {
	return Fault{spec{Kind: "slow_headers", For: duration(d)}}
}

// Status answers with a status instead of the stream. See [Fault.Body],
// [Fault.Type] and [Fault.RetryAfter].
func Status(code int) Fault { return Fault{spec{Kind: "status", Status: code}} }

// Redirect answers with a redirect instead of the stream: to a URL or to one of
// the places that have a name. See [Fault.Code].
func Redirect(location string) Fault { return Fault{spec{Kind: "redirect", Location: location}} }

// Places for [Redirect].
const (
	ToSameOrigin = "same-origin" // the stream again, with another query
	ToOtherPort  = "other-port"  // the same stream, on a second port
	ToOtherHost  = "other-host"  // the same stream, under another name of the host
	ToLoop       = "loop"        // a place that redirects to itself for ever
	ToNone       = "none"        // no Location header at all
)

// Code sets the status of a redirect, 307 if it isn't used.
func (f Fault) Code(status int) Fault {
	f.spec.Status = status
	return f
}

// AcceptThenClose answers 200 with the stream's headers and ends the body
// cleanly, before its first byte.
func AcceptThenClose() Fault { return Fault{spec{Kind: "accept_then_close"}} }

// ContentType serves the stream as another content type; "" is none.
func ContentType(contentType string) Fault {
	return Fault{spec{Kind: "content_type", ContentType: contentType}}
}

// ReplayInclusive begins the replay with the event that the client already has.
func ReplayInclusive() Fault { return Fault{spec{Kind: "replay_inclusive"}} }

// IgnoreLastEventID starts the connection live, whatever its Last-Event-ID.
func IgnoreLastEventID() Fault { return Fault{spec{Kind: "ignore_last_event_id"}} }

// RestartCounter lets the server's id counter begin again before the connection
// starts, with all logs empty. Sse-Run changes.
func RestartCounter() Fault { return Fault{spec{Kind: "restart_counter"}} }

// LoseRing forgets all events of the stream before the connection starts.
func LoseRing() Fault { return Fault{spec{Kind: "lose_ring"}} }

// Gzip compresses the body and never flushes, so that events stay in the
// compressor until it is full or the body ends.
func Gzip() Fault { return Fault{spec{Kind: "gzip"}} }

// Slice writes the body 1 to 3 bytes at a time.
func Slice() Fault { return Fault{spec{Kind: "slice"}} }

// Drip writes n bytes of the body at a time, with a pause after each.
func Drip(n int, pause time.Duration) Fault {
	return Fault{spec{Kind: "drip", Bytes: n, Every: duration(pause)}}
}

// LineEnds ends the body's lines with "cr", with "crlf", or ("mixed") with LF, CR
// and CRLF in turn.
func LineEnds(ends string) Fault { return Fault{spec{Kind: "line_ends", Text: ends}} }

// BOM begins the body with a byte order mark.
func BOM() Fault { return Fault{spec{Kind: "bom"}} }

// End ends the body cleanly.
func End() Fault { return Fault{spec{Kind: "end"}} }

// Rotate ends each connection cleanly once it has been open for d.
func Rotate(d time.Duration) Fault { return End().AfterTime(d).Always() }

// Cut closes the connection without the end of the body.
func Cut() Fault { return Fault{spec{Kind: "cut"}} }

// CutAfter is [Cut] after exactly n bytes of body.
func CutAfter(n int64) Fault { return Cut().AfterBytes(n) }

// CutInsideEvent cuts the next event before the blank line that ends it: all its
// lines are whole.
func CutInsideEvent() Fault { return Fault{spec{Kind: "cut_inside_event"}} }

// CutInsideLine cuts the next event in the middle of its last line.
func CutInsideLine() Fault { return Fault{spec{Kind: "cut_inside_line"}} }

// CutInsideRune cuts the next event that has a character of more than one byte
// inside of that.
func CutInsideRune() Fault { return Fault{spec{Kind: "cut_inside_rune"}} }

// CutInsideChunkHeader cuts inside the length of the next event's chunk. Without
// chunks (HTTP/2, HTTP/1.0) it is [Cut].
func CutInsideChunkHeader() Fault { return Fault{spec{Kind: "cut_inside_chunk_header"}} }

// RST resets the TCP connection.
func RST() Fault { return Fault{spec{Kind: "rst"}} }

// Stall keeps the connection open and sends nothing any more, no heartbeats
// either; with [Fault.For] it goes on after that time.
func Stall() Fault { return Fault{spec{Kind: "stall"}} }

// StallEvents is [Stall] with heartbeats: only events are not sent.
func StallEvents() Fault { return Fault{spec{Kind: "stall_events"}} }

// Hold sends nothing until n events have gathered, or the time of [Fault.For]
// has passed, and then all of them in a burst. With For, n may be 0.
func Hold(n int) Fault { return Fault{spec{Kind: "hold", Events: n}} }

// Insert writes text as it is, which must be UTF-8; for other bytes see
// [Server.Write].
func Insert(text string) Fault { return Fault{spec{Kind: "insert", Text: text}} }

// Retry writes a block with a retry field of that value, however bad.
func Retry(value string) Fault { return Fault{spec{Kind: "retry", Text: value}} }

// InvalidUTF8 writes an event without id whose data is not UTF-8.
func InvalidUTF8() Fault { return Fault{spec{Kind: "invalid_utf8"}} }

// NULInID writes an event whose id has a NUL, which a client must ignore.
func NULInID() Fault { return Fault{spec{Kind: "nul_in_id"}} }

// EndlessLine writes a data line without end, until the client leaves. See
// [Fault.Limit].
func EndlessLine() Fault { return Fault{spec{Kind: "endless_line"}} }

// EndlessData writes data lines of one event without end, until the client
// leaves. See [Fault.Limit].
func EndlessData() Fault { return Fault{spec{Kind: "endless_data"}} }

// Limit cuts what is endless after n bytes.
func (f Fault) Limit(n int) Fault {
	f.spec.Bytes = n
	return f
}

// Repeat sends the next event twice.
func Repeat() Fault { return Fault{spec{Kind: "repeat"}} }

// Drop does not send the next event.
func Drop() Fault { return Fault{spec{Kind: "drop"}} }

// Reorder sends the next event behind the one that follows it.
func Reorder() Fault { return Fault{spec{Kind: "reorder"}} }
