package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// An EventSource follows one stream. It holds the position between loops; it
// has no goroutine and no connection while no loop runs. Make it with [New],
// [Session] or [Global].
//
// One loop runs at a time. Stats, LastEventID, Target and Drain may be called from
// any goroutine at any time, Commit where it says, and Accept, Seek and Forget while
// no loop runs.
type EventSource struct {
	url    *url.URL
	kind   kind
	opts   Options
	target string

	busy     atomic.Bool // a loop is under way, or what keeps loops away
	draining atomic.Bool // see Drain; set under mu

	mu        sync.Mutex
	pos       position                // committed
	stats     Stats                   // but for LastEventID
	interrupt context.CancelCauseFunc // of what the loop waits for; nil without one

	// For the loop's goroutine, and kept from one loop to the next:
	active    *run            // the loop under way
	at        position        // yielded, if commits are manual
	opened    bool            // a stream has been open
	loaded    bool            // the cursor was read
	followed  bool            // an earlier process has followed the stream
	serverRun string          // the run of the server's counter
	shared    *http.Transport // the one it uses where HTTPClient has none; nil until then
	leftBase  bool            // it has timed out on HTTPClient's transport, and uses clones of it
	suspect   bool            // the last attempt has timed out
	repeats   *repeats        // nil if repeats are not looked for
	pending   pending         // if commits are manual
	ids       idsSeen         // see look.go
	refused   *GapError       // what the last loop ended with; nil if it was no gap
	cursor    saver
	retry     time.Duration // what the server's retry field said; 0 if it did not
	pace      pace
}

// New returns a source for the stream at a URL, http or https. It checks
// everything and dials nothing. The error names all that is wrong.
func New(rawURL string, opts *Options) (*EventSource, error) {
	u, err := parseURL(rawURL)
	return build(u, plain, opts, err)
}

// Session returns a source for the stream of one session of the server at
// base, such as http://127.0.0.1:9100. It ends after the session's ended event
// (see Options.FollowEnded), hides control frames, drops exact repeats and
// expects a byte every 90 s.
func Session(base, id string, opts *Options) (*EventSource, error) {
	u, err := parseURL(base)
	if err := errors.Join(err, session.CheckID(id)); err != nil {
		return build(nil, sessionStream, opts, err)
	}
	return build(resolve(u, session.EventsPath(id)), sessionStream, opts, nil)
}

// Global returns a source for the stream of all sessions of the server at base.
func Global(base string, opts *Options) (*EventSource, error) {
	u, err := parseURL(base)
	if err != nil {
		return build(nil, globalStream, opts, err)
	}
	return build(resolve(u, session.GlobalPath), globalStream, opts, nil)
}

func build(u *url.URL, k kind, opts *Options, err error) (*EventSource, error) {
	if err := errors.Join(err, opts.validate()); err != nil {
		return nil, err
	}
	es := &EventSource{url: u, kind: k, opts: opts.withDefaults(k)}
	es.target = cmp.Or(es.opts.Name, targetName(u, es.opts.Request.Method, es.opts.Request.Body))
	es.pos.set(es.opts.LastEventID, "", true, stamp{})
	es.repeats = newRepeats(es.opts.RepeatWindow)
	return es, nil
}

// Target names the stream: Options.Name, or else its URL and what else tells its
// request from others, the method and a digest of the body. It is what a [Cursor]
// files the position under, and can be shown: of query parameters that hold
// credentials, by names such as token, api_key and X-Amz-Signature, it has nothing,
// and of those that may be secret or tell one stream from another (code, ticket,
// page_token) a digest.
func (es *EventSource) Target() string { return es.target }

// Events returns the events of the stream, over as many connections as it
// takes. Ranging connects, and reconnects when the connection fails; leaving
// the loop closes the connection.
//
// The error is non-nil at most once, in the last pair:
//
//   - the context's cause, if the context is done;
//   - a [*GiveUpError], if an outage has lasted for Options.Backoff.GiveUp;
//   - a permanent error: a [*ResponseError], a [*RedirectError], a [*GapError]
//     or whatever else [Retryable] does not let pass;
//   - [ErrBusy], if another loop of this source is under way;
//   - an error of the cursor or of Options.BeforeWait, alone or joined to one of
//     these.
//
// The loop ends without an error when the stream is over: the server said 204,
// or a session stream brought its ended event; and after [Drain].
//
// A loop that begins right behind one that failed waits as the next attempt of that
// one would have: ranging in a loop asks a server no more often than one loop does.
//
// An event is committed when the loop asks for the next one, or by [Commit] in
// its body. A later loop begins after the last committed event, so whoever
// breaks out of the body, or panics, gets that event again (but for the very first
// one of a stream that began live: there is nothing to ask after).
//
// [Commit]: EventSource.Commit
// [Drain]: EventSource.Drain
func (es *EventSource) Events(ctx context.Context) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		if err := es.run(ctx, yield); err != nil {
			yield(sse.Event{}, err)
		}
	}
}

// run runs one loop but for its last pair, whose body may range again.
func (es *EventSource) run(ctx context.Context, yield func(sse.Event, error) bool) error {
	if err := es.claim(); err != nil {
		return err
	}
	defer es.release()
	return newRun(ctx, es, yield).loop()
}

// LastEventID returns the position: the last event ID that was committed.
func (es *EventSource) LastEventID() string {
	es.mu.Lock()
	defer es.mu.Unlock()
	return string(es.pos.id)
}

// parseURL checks a URL. Its error repeats nothing of it but a wrong scheme: there
// are passwords in all the rest.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		cause := err
		if e, ok := errors.AsType[*url.Error](err); ok {
			cause = e.Err
		}
		return nil, errors.New("client: malformed URL: " + withoutQuotes(cause.Error()))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("client: URL scheme %q is neither http nor https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("client: URL has no host")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// resolve appends an escaped absolute path to the base's path; the base's query
// stays.
func resolve(base *url.URL, escaped string) *url.URL {
	u := *base
	u.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + escaped
	u.Path, _ = url.PathUnescape(u.RawPath)
	return &u
}
