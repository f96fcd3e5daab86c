package fault

import "time"

func of(kind string) Fault { return Fault{spec{Kind: kind}} }

// Refuse refuses connections. In memory and without [Fault.For] it refuses as many
// dials as it may strike. Otherwise the port is shut, because nobody is told of a
// connection that the kernel refuses: for as long as For says, until the fault is
// removed with [Fault.Always], else for 1 s.
func Refuse() Fault { return of(KindRefuse) }

// ResetOnAccept resets a TCP connection as soon as it is accepted.
func ResetOnAccept() Fault { return of(KindResetOnAccept) }

// NoAnswer takes the request and does not answer, until the fault is removed. Then
// the request is served.
func NoAnswer() Fault { return of("no_answer") }

// SlowHeaders sends the response, whatever it is, after d.
func SlowHeaders(d time.Duration) Fault { return of("slow_headers").For(d) }

// Status answers with a status instead of the stream. See [Fault.Body],
// [Fault.Type], [Fault.SetHeader] and [Fault.RetryAfter].
func Status(code int) Fault { return of("status").Code(code) }

// Redirect answers with a redirect instead of the stream: to a URL or to one of the
// places that have a name. See [Fault.Code].
func Redirect(location string) Fault {
	f := of("redirect")
	f.spec.Location = &location
	return f
}

// Places for [Redirect].
const (
	ToSameOrigin = "same-origin" // the stream again, with another query
	ToOtherPort  = "other-port"  // the same stream, on a second port
	ToOtherHost  = "other-host"  // the same stream, under another name of the host
	ToLoop       = "loop"        // a place that redirects to itself for ever
	ToNone       = "none"        // no Location header at all
)

// AcceptThenClose answers 200 with the stream's headers and ends the body cleanly,
// before its first byte.
func AcceptThenClose() Fault { return of("accept_then_close") }

// ContentType serves the stream as another content type; "" is none.
func ContentType(contentType string) Fault { return of("content_type").Type(contentType) }

// ResponseHeader serves the stream with another header; an empty value takes the
// header away. See [Fault.SetHeader] for more of them.
func ResponseHeader(key, value string) Fault { return of("response_header").SetHeader(key, value) }

// ReplayInclusive begins the replay with the event that the client already has.
func ReplayInclusive() Fault { return of("replay_inclusive") }

// IgnoreLastEventID starts the connection live, whatever its Last-Event-ID.
func IgnoreLastEventID() Fault { return of("ignore_last_event_id") }

// RestartCounter lets the server's id counter begin again before the connection
// starts, with all logs empty. Sse-Run changes.
func RestartCounter() Fault { return of("restart_counter") }

// LoseRing forgets all events of the stream before the connection starts.
func LoseRing() Fault { return of("lose_ring") }

// Gzip compresses the body and never flushes, so that events stay in the compressor
// until it is full or the body ends.
func Gzip() Fault { return of("gzip") }

// Slice writes the body 1 to 3 bytes at a time.
func Slice() Fault { return of("slice") }

// Drip writes n bytes of the body at a time, with a pause after each.
func Drip(n int, pause time.Duration) Fault {
	f := of("drip").Limit(n)
	f.spec.Every = in(pause)
	return f
}

// Latency sends each event d after it was published, and a random time of up to
// jitter later, in their order.
func Latency(d, jitter time.Duration) Fault {
	f := of("latency").For(d)
	if jitter != 0 {
		f.spec.Jitter = in(jitter)
	}
	return f
}

// LineEnds ends the body's lines with "cr", with "crlf", or ("mixed") with LF, CR
// and CRLF in turn.
func LineEnds(ends string) Fault {
	f := of("line_ends")
	f.spec.Text = &ends
	return f
}

// BOM begins the body with a byte order mark.
func BOM() Fault { return of("bom") }

// End ends the body cleanly.
func End() Fault { return of("end") }

// Rotate ends each connection cleanly once it has been open for d.
func Rotate(d time.Duration) Fault { return End().AfterTime(d).Always() }

// Cut closes the connection without the end of the body.
func Cut() Fault { return of("cut") }

// CutAfter is [Cut] after exactly n bytes of body.
func CutAfter(n int64) Fault { return Cut().AfterBytes(n) }

// CutInsideEvent cuts the next event before the blank line that ends it: all its
// lines are whole.
func CutInsideEvent() Fault { return of("cut_inside_event") }

// CutInsideLine cuts the next event in the middle of its last line.
func CutInsideLine() Fault { return of("cut_inside_line") }

// CutInsideRune cuts the next event that has a character of more than one byte
// inside of that.
func CutInsideRune() Fault { return of("cut_inside_rune") }

// CutInsideChunkHeader cuts inside the length of the next event's chunk. Without
// chunks (HTTP/2, HTTP/1.0) it is [Cut].
func CutInsideChunkHeader() Fault { return of("cut_inside_chunk_header") }

// RST resets the TCP connection.
func RST() Fault { return of("rst") }

// Stall keeps the connection open and sends nothing any more, no heartbeats either;
// with [Fault.For] it goes on after that time. What ends a connection does so also
// during a stall.
func Stall() Fault { return of("stall") }

// StallEvents is [Stall] with heartbeats: only events are not sent.
func StallEvents() Fault { return of("stall_events") }

// Hold sends nothing until n events have gathered, or the time of [Fault.For] has
// passed, and then all of them in a burst. With For, n may be 0, which is no number.
func Hold(n int) Fault {
	f := of("hold")
	if n != 0 {
		f.spec.Events = &n
	}
	return f
}

// Insert writes text as it is, which must be UTF-8.
func Insert(text string) Fault {
	f := of("insert")
	f.spec.Text = &text
	return f
}

// Retry writes a block with a retry field of that value, however bad.
func Retry(value string) Fault {
	f := of("retry")
	f.spec.Text = &value
	return f
}

// InvalidUTF8 writes an event without id whose data is not UTF-8.
func InvalidUTF8() Fault { return of("invalid_utf8") }

// NULInID writes an event whose id has a NUL, which a client must ignore.
func NULInID() Fault { return of("nul_in_id") }

// EndlessLine writes a data line without end, until the client leaves. See
// [Fault.Limit].
func EndlessLine() Fault { return of("endless_line") }

// EndlessData writes data lines of one event without end, until the client leaves.
// See [Fault.Limit].
func EndlessData() Fault { return of("endless_data") }

// Repeat sends the next event twice.
func Repeat() Fault { return of("repeat") }

// Drop does not send the next event.
func Drop() Fault { return of("drop") }

// Reorder sends the next event behind the one that follows it.
func Reorder() Fault { return of("reorder") }
