package client

import (
	"cmp"
	"context"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Options of an [EventSource]. A nil *Options is the default. Zero fields mean the
// value that stands beside them; where a field says so, [backoff.Off] (-1) switches
// off what it is about, and any other negative value is an error. Options are
// copied when the source is made.
type Options struct {
	// Name is what the source is called instead of its URL, in [EventSource.Target],
	// in cursors and in logs: for a URL that changes from start to start, or holds
	// what should not be shown. Sources of one cursor need different names, and one
	// that is given a name has no position yet under it.
	Name string

	// HTTPClient sends the requests; nil is an empty one. Without a Transport it uses
	// one that all such sources share ([NewTransport]), not http.DefaultTransport,
	// which does not notice a dead HTTP/2 connection. A Timeout bounds the opening of
	// the stream, over all its redirects, and does not end it; a Jar is used on the
	// stream's own origin; CheckRedirect may refuse a redirect, of which ten are
	// followed at most. The client itself is not copied.
	//
	// With an [*http.Transport], streams that would not fit on one HTTP/2 connection
	// (its receive buffer divided by that of a stream), and whoever comes after an
	// idle, header or connect timeout, use clones of it, whose connections are their
	// own: a dead connection costs one timeout, and MaxConnsPerHost counts for each
	// clone. With another RoundTripper the request after such a timeout has Close set
	// and follows a call of CloseIdleConnections, if there is one. That rids it of an
	// HTTP/2 connection that nobody else uses; else one more attempt may be lost.
	HTTPClient *http.Client

	Request  Request  // a GET without a body
	Timeouts Timeouts // how long each of a connection's waits may take

	Backoff backoff.Policy  // 1 s to 30 s, giving up after 5 min
	Delays  backoff.BackOff // instead of the policy's delays, for this source alone; GiveUp still counts

	// Breaker, if set, is shared by the sources of one origin: in an outage one of
	// them at a time asks whether the server is back, and the others wait. Only
	// failures before a response, and 502, 503 and 504, count against the origin.
	// It paces; each source gives up by itself.
	Breaker *backoff.Breaker

	// FailFast makes the very first attempt's error final.
	FailFast bool

	// Retryable decides whether a failed attempt is repeated; opened tells whether
	// the stream has been open before. Nil means the function [Retryable].
	Retryable func(err error, opened bool) bool

	// HealthyAfter is how long a connection has to wait for bytes, all in all, to
	// count as success although no event came. Off: the response alone is success.
	HealthyAfter time.Duration // 5 s

	LastEventID string // where to start, if Cursor has nothing; none: live
	Cursor      Cursor // none; where the position is kept over restarts

	// ManualCommit leaves it to [EventSource.Commit] alone to commit events, all
	// that were yielded so far: for a body that batches. A reconnect resumes behind
	// the last event yielded; the cursor and the next loop behind the last one
	// committed.
	ManualCommit bool

	// SaveEach saves the position at each commit, and not just before each wait for
	// bytes: for a body whose work is dear or must not be done twice without need.
	// It costs what a save costs, for a [FileCursor] two writes to the disk.
	SaveEach bool

	// FailOnGap makes a gap that is certain an error, a [*GapError], instead of a
	// report to the observer; FailOnUncertainGap one that may be none (see
	// GapError.Certain). [EventSource.Accept] lets the next loop go on behind it.
	FailOnGap          bool
	FailOnUncertainGap bool

	// RepeatWindow is how many events are remembered to drop exact repeats of
	// them: at most 65536; 0 means 256 on session streams and none elsewhere.
	// Off: none.
	RepeatWindow int

	// ServerWindow is how many events the server of a session stream keeps for a
	// replay. A replay of so many may be the end of more: see GapError.Certain. It
	// counts where the server does not say where its replay starts. 0 means 50, as
	// Aegis servers keep. Off: a full replay is no gap.
	ServerWindow int

	MaxEventSize int // 16 MiB, in bytes; can't be off

	ControlFrames bool // yield connected and heartbeat frames of session streams too
	FollowEnded   bool // go on after a session's ended event

	// Observer, if set, is told of everything that is not an event, in order, on
	// the goroutine that ranges. It must not range itself.
	Observer func(Transition)

	// OnComment, if set, is called with each comment line of the stream, without its
	// colon and one blank behind it, on the goroutine that ranges. A comment inside an
	// event comes before the event.
	OnComment func(text string)

	// BeforeWait, if set, is called on the ranging goroutine before each wait (for
	// bytes, for a response, for a delay), before each save of the position, and
	// once more when the loop ends, unless the body panics. Whoever batches flushes
	// here. While it fails no position is saved: its error is reported to the
	// observer as a [*BeforeWaitError], it is called again at the next wait, and an
	// error of the last call is joined to the loop's. One that is marked with
	// [backoff.Permanent] ends the loop at once.
	BeforeWait func() error
}

// A Request is what a source asks with.
type Request struct {
	Method string // GET
	Body   []byte // none; sent with each request

	// Header is sent on the stream's own origin, and withheld from others.
	// Accept-Encoding is identity unless set here; gzip is the one coding that is
	// decoded, also where nobody has asked for it.
	Header http.Header

	// Prepare, if set, is called before each attempt and may change the request:
	// a fresh token, a header, a query parameter. Its error is a failed attempt,
	// retried unless it is marked with [backoff.Permanent]. The request's context
	// must stay as it is; it is done when Timeouts.Prepare is over, and Prepare
	// should return then. After a 401 the next attempt follows at once, one time in
	// an outage, so that a token which has just expired costs no delay.
	Prepare func(context.Context, *http.Request) error

	// Repeat allows a method other than GET to be sent again in a loop whose stream
	// was open. Without it such a stream ends quietly when the server ends it, and
	// with an [*InterruptedError] when it breaks; another loop sends the request
	// again.
	Repeat bool
}

// Timeouts bound the waits of one connection, in the order in which they come. Each
// may be [backoff.Off]. The limits that wait for the server run only while it is
// waited for: a body that is slow is no dead server.
type Timeouts struct {
	Prepare time.Duration // 30 s for Request.Prepare
	Connect time.Duration // 15 s for dialling and the TLS handshake
	Header  time.Duration // 15 s for the response on session streams; elsewhere Idle, or a fifth of Backoff.GiveUp if that is less
	Idle    time.Duration // 5 min without a byte; 90 s on session streams
	Event   time.Duration // none; without an event, control frames not counted
}

// kind is what sort of stream a source follows; it decides some defaults.
type kind int

const (
	plain kind = iota
	sessionStream
	globalStream
)

// withDefaults returns a copy in which zero fields have their values and what is
// off is zero.
func (o *Options) withDefaults(k kind) Options {
	var c Options
	if o != nil {
		c = *o
	}
	c.Request.Header = canonical(c.Request.Header)
	c.Request.Body = append([]byte(nil), c.Request.Body...)
	if c.Request.Method == "" {
		c.Request.Method = http.MethodGet
	}
	if c.Retryable == nil {
		c.Retryable = Retryable
	}
	onSession := k != plain
	limit(&c.HealthyAfter, 5*time.Second)
	c.Timeouts.setDefaults(c.Backoff.GiveUp, onSession)
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{}
	}
	if c.RepeatWindow == 0 && onSession {
		c.RepeatWindow = 256
	}
	c.RepeatWindow = max(c.RepeatWindow, 0)
	if c.ServerWindow == 0 {
		c.ServerWindow = 50
	}
	c.ServerWindow = max(c.ServerWindow, 0)
	if c.MaxEventSize == 0 {
		c.MaxEventSize = sse.DefaultMaxEventSize
	}
	return c
}

func (t *Timeouts) setDefaults(giveUp time.Duration, onSession bool) {
	limit(&t.Prepare, 30*time.Second)
	limit(&t.Connect, connectTimeout)
	limit(&t.Event, 0)
	if onSession {
		limit(&t.Idle, session.IdleTimeout)
		limit(&t.Header, 15*time.Second)
		return
	}
	limit(&t.Idle, 5*time.Minute)
	// Some servers send the header with the first event. A server that hangs must
	// leave time for more than one attempt, though.
	header := cmp.Or(t.Idle, math.MaxInt64)
	if giveUp = cmp.Or(giveUp, 5*time.Minute); giveUp != backoff.Never {
		header = min(header, max(giveUp/5, 1))
	}
	if header == math.MaxInt64 {
		header = 0
	}
	limit(&t.Header, header)
}

// canonical returns a copy whose names are spelled as net/http does, so that two
// spellings of one name are one name with the values of both.
func canonical(h http.Header) http.Header {
	c := make(http.Header, len(h)+4)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			c.Add(name, v)
		}
	}
	return c
}

// limit sets a limit that was left open, and turns "off" into zero.
func limit(d *time.Duration, otherwise time.Duration) {
	switch {
	case *d == 0:
		*d = otherwise
	case *d == backoff.Off:
		*d = 0
	}
}
