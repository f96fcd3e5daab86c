package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// An Observer is told what happens to requests for streams. It is called on the
// request's goroutine: in order for each request, for different ones at once. No lock
// is held, but the connection waits until it returns.
type Observer func(Activity)

// An Activity is one fact about one request. A stream is Opened and then Ended; a
// request that gets none is Refused.
type Activity struct {
	What    What
	Stream  StreamID
	Request *http.Request // to be read only; its URL may carry a token
	Number  int64         // of the request, from 1: the same in all its activities

	Status int    // of the response; 0 if there was none
	Why    string // Refused, Ended: in words
	Err    error  // Refused: what Authorize or History said; Ended: the error that broke it, if there is one

	After  time.Duration // Ended: since the request came
	Events int           // Ended: that were written, repeats of an earlier connection included
	Bytes  int64         // Ended: of body
}

// What says what an [Activity] tells.
type What int

const (
	Opened  What = iota // the response's head is out
	Refused             // the request got no stream, or (status 204) needs none
	Ended               // the stream is over, whoever ended it
)

// String returns "opened", "refused" or "ended".
func (w What) String() string {
	switch w {
	case Opened:
		return "opened"
	case Refused:
		return "refused"
	}
	return "ended"
}

// LogValue makes an activity one group of a log line. It has nothing of the request
// but its address, so no token gets into a log.
func (a Activity) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("what", a.What.String()), slog.String("stream", a.Stream.String()),
		slog.Int64("number", a.Number), slog.String("remote", a.Request.RemoteAddr), slog.Int("status", a.Status),
	}
	if a.Why != "" {
		attrs = append(attrs, slog.String("why", a.Why))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("err", a.Err.Error()))
	}
	if a.What == Ended {
		attrs = append(attrs, slog.Duration("after", a.After), slog.Int("events", a.Events), slog.Int64("bytes", a.Bytes))
	}
	return slog.GroupValue(attrs...)
}

func activity(r hub.Report) Activity {
	return Activity{
		What: What(r.What), Stream: streamID(r.Stream), Request: r.Request, Number: r.Number,
		Status: r.Status, Why: r.Why, Err: r.Err, After: r.After, Events: r.Events, Bytes: r.Bytes,
	}
}
