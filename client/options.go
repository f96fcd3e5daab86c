package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Options of an [EventSource]. A nil *Options is the default; zero fields mean
// the value that stands beside them, and negative durations switch a limit off
// where that is said. Options are copied when the source is made.
type Options struct {
	// HTTPClient sends the requests. Nil means one with a transport that all
	// sources share, which pings idle HTTP/2 connections ([NewTransport]). A
	// Timeout bounds the opening of the stream, over all its redirects, and does
	// not end it; a Jar is used on the stream's own origin; CheckRedirect may
	// refuse a redirect, of which ten are followed at most. The client itself is
	// not copied.
	HTTPClient *http.Client

	// Header is sent on the stream's own origin, and withheld from others.
	// Accept-Encoding is identity unless set here; gzip, alone, is the one coding
	// that is decoded.
	Header http.Header

	Method string // GET
	Body   []byte // none; sent with each request

	// RepeatRequest allows a method other than GET to be sent again in a loop
	// whose stream was open. Without it such a stream ends quietly when the server
	// ends it, and with an [*InterruptedError] when it breaks; another loop sends
	// the request again.
	RepeatRequest bool

	// Prepare, if set, is called before each attempt and may change the request:
	// a fresh token, a header, a query parameter. Its error is a failed attempt,
	// retried unless it is marked with [backoff.Permanent]. The request's context
	// must stay as it is. After a 401 the next
	// attempt follows at once, one time in an outage, so that a token which has
	// just expired costs no delay.
	Prepare func(context.Context, *http.Request) error

	Backoff backoff.Policy  // 1 s to 30 s, giving up after 5 min
	Delays  backoff.BackOff // instead of the policy's delays, for this source alone; GiveUp still counts

	// Breaker, if set, is shared by the sources of one origin: in an outage one of
	// them at a time asks whether the server is back, and the others wait. Only
	// failures before a response, and 502, 503 and 504, count against the origin.
	Breaker *backoff.Breaker

	// FailFast makes the very first attempt's error final.
	FailFast bool

	// Retryable decides whether a failed attempt is repeated; opened tells whether
	// the stream has been open before. Nil means the function [Retryable].
	Retryable func(err error, opened bool) bool

	// HealthyAfter is how long a connection has to stay open to count as success
	// although no event came. A negative value counts the response alone.
	HealthyAfter time.Duration // 5 s

	ConnectTimeout time.Duration // 15 s for dialling and the TLS handshake; negative: none
	HeaderTimeout  time.Duration // IdleTimeout, 15 s on session streams and with a Breaker; negative: none
	IdleTimeout    time.Duration // 5 min without a byte, 90 s on session streams; negative: never
	EventTimeout   time.Duration // none; without an event, control frames not counted

	LastEventID string // where to start, if Cursor has nothing; none: live
	Cursor      Cursor // none; where the position is kept over restarts

	// SaveEach saves the position at each commit, and not just before each wait for
	// bytes: for a body whose work is dear or must not be done twice without need.
	// It costs what a save costs, for a [FileCursor] two writes to the disk.
	SaveEach bool

	// FailOnGap makes a gap an error, a [*GapError], instead of a report to the
	// observer.
	FailOnGap bool

	// RepeatWindow is how many events are remembered to drop exact repeats of
	// them: at most 65536; 0 means 256 on session streams and none elsewhere;
	// negative: none.
	RepeatWindow int

	MaxEventSize int // 16 MiB, in bytes

	ControlFrames bool // yield connected and heartbeat frames of session streams too
	FollowEnded   bool // go on after a session's ended event

	// Observer, if set, is told of everything that is not an event, in order, on
	// the goroutine that ranges. It must not range itself.
	Observer func(Transition)

	// BeforeWait, if set, is called on the ranging goroutine before each wait: for
	// bytes, for a response, for a delay. Whoever batches flushes here.
	BeforeWait func()
}

// kind is what sort of stream a source follows; it decides some defaults.
type kind int

const (
	plain kind = iota
	sessionStream
	globalStream
)

// withDefaults returns a copy in which zero fields have their values and limits
// that are off are zero.
func (o *Options) withDefaults(k kind) Options {
	var c Options
	if o != nil {
		c = *o
	}
	c.Header = canonical(c.Header)
	c.Body = append([]byte(nil), c.Body...)
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	if c.Retryable == nil {
		c.Retryable = Retryable
	}
	onSession := k != plain
	if c.HealthyAfter == 0 {
		c.HealthyAfter = 5 * time.Second
	}
	limit(&c.ConnectTimeout, connectTimeout)
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Transport: transportFor(c.ConnectTimeout)}
	}
	idle := 5 * time.Minute
	if onSession {
		idle = session.IdleTimeout
	}
	limit(&c.IdleTimeout, idle)
	header := c.IdleTimeout
	if onSession || c.Breaker != nil { // a probe has to tell before its lease ends
		header = 15 * time.Second
	}
	limit(&c.HeaderTimeout, header)
	limit(&c.EventTimeout, 0)
	if c.RepeatWindow == 0 && onSession {
		c.RepeatWindow = 256
	}
	c.RepeatWindow = max(c.RepeatWindow, 0)
	if c.MaxEventSize == 0 {
		c.MaxEventSize = sse.DefaultMaxEventSize
	}
	return c
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
	case *d < 0:
		*d = 0
	}
}

// validate says what makes no sense, all of it.
func (o *Options) validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("client: "+format, args...)) }
	if err := o.Backoff.Validate(); err != nil {
		errs = append(errs, err)
	}
	if o.Method != "" && !validToken(o.Method) {
		bad("Method %q is not a method", o.Method)
	}
	for name, values := range o.Header {
		if !validToken(name) {
			bad("Header name %q is not a field name", name)
		}
		if http.CanonicalHeaderKey(name) == lastEventID {
			bad("Header has %s, which changes from attempt to attempt: use LastEventID", name)
		}
		for _, v := range values {
			if !validValue(v) { // the value may be a secret
				bad("Header %s has a value with a control character", name)
			}
		}
	}
	if o.MaxEventSize < 0 {
		bad("MaxEventSize %d is negative", o.MaxEventSize)
	}
	if o.RepeatWindow > maxRepeatWindow {
		bad("RepeatWindow %d is more than %d", o.RepeatWindow, maxRepeatWindow)
	}
	return errors.Join(errs...)
}

// validToken tells whether s is a token of RFC 9110, section 5.6.2.
func validToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c < 0x80 && tokenMarks[c]:
		default:
			return false
		}
	}
	return true
}

var tokenMarks = func() (marks [128]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		marks[c] = true
	}
	return marks
}()

// validValue tells whether s is a field value of RFC 9110, section 5.5.
func validValue(s string) bool {
	for _, c := range []byte(s) {
		if (c < ' ' && c != '\t') || c == 0x7F {
			return false
		}
	}
	return true
}
