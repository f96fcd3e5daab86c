package hub

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// Off switches a limit or an interval off, where zero is the default.
const Off = -1

// A Config says how a hub behaves. Zero is the default that stands beside a field;
// [Off] is none where a field says so, other negative values are errors.
type Config struct {
	Base string // ""; the server's URL, before the paths of sessions and streams
	Run  string // a random name; given, ids come from outside, with [Session.Append] alone

	Newest int64 // 0; the newest id that was given before, with Run: see server.Options

	Window     int // 50, Off; events kept for replay, on each stream
	LagEvents  int // 65,536; events kept for readers under way, on each stream
	LagBytes   int // 64 MiB; bytes kept for readers under way, on each stream
	TotalBytes int // 256 MiB; bytes kept for readers under way, beyond the windows, on all streams

	Heartbeat    time.Duration // 30 s, Off; between two heartbeats of a connection
	WriteTimeout time.Duration // 90 s; for 64 KiB of a write, then the connection is destroyed
	MaxAge       time.Duration // none; after which a connection is ended between two events
	Linger       time.Duration // 1 s, Off; from a session's ended event to the end of its connections
	RetireAfter  time.Duration // 5 min, Off; how long the log of an ended session stays after that

	Tokens    []string // none, and then nobody is asked; what is accepted as bearer and as ?token=
	SSETokens bool     // false; each stream wants a single-use token from POST /v1/auth/sse-token

	// Authorize is asked for each request for a stream that the tokens let pass,
	// without the lock. An error refuses it: [ErrUnauthorized] with 401, others with
	// 403. Nil: nobody is asked.
	Authorize func(r *http.Request, id StreamID) error

	MaxConnsPerAddr int           // no limit; streams of one address, beyond which the answer is 429
	MaxConns        int           // no limit; streams in all, beyond which the answer is 503
	RetryAfter      time.Duration // none; what these two answers say, in whole seconds

	Origins  []string    // none; whose pages may follow streams in a browser, "*" for all
	Header   http.Header // none; more headers for each stream's response
	NoHijack bool        // false; HTTP/1.1 is written through net/http too

	History        History // none; where events are that the logs do not have
	HistoryReaders int     // 16; how many connections read from it at once

	// Report is told what happens to requests: on the request's goroutine, without the
	// lock, in the order of each request. Nil: nobody is.
	Report func(Report)

	Seam    Seam    // none; see there
	Watcher Watcher // none; see there
	Policy  Policy
}

// A Policy is what other servers do in another way than we do. The zero value is our
// way.
type Policy struct {
	// Frame appends a frame of a session's stream or of the global one, the blank line
	// at its end included. Nothing appended is no frame. It is called with the hub's
	// lock held. Nil is our form.
	Frame func(b []byte, f *Frame) []byte

	// Refuse answers a request that gets no stream. Nil is our form.
	Refuse func(w http.ResponseWriter, r *http.Request, why *Refusal)

	// RefusedWrites is after how many events, of those that come while a write hangs, a
	// stream ends cleanly; 0: it does not.
	RefusedWrites int

	NoSigns        bool // responses have neither Sse-Run nor Last-Event-ID
	NoStart        bool // no block with the newest id behind connected
	NoCreated      bool // no session_created on the global stream
	NoShutdown     bool // no shutdown on the global stream
	NoGlobalReplay bool // the global stream starts live whatever is asked
	AheadIsLive    bool // an id ahead of the counter starts live, instead of with all there is
	LooseIDs       bool // an id is read as JavaScript's parseInt does; none at all starts live
	RawHTTP10      bool // a client of HTTP/1.0 is answered below net/http too, which would call it 1.0
	EndedStays     bool // connections stay open behind ended; a new one gets the 404 of an unknown session
}

// A Frame is what a frame is made of.
type Frame struct {
	Stream  Kind         // OfSession or OfAll: which stream it is for
	Num     int64        // its id; 0 in control frames
	Kind    session.Kind // on a session's own stream, also where the frame is for the global one
	Session []byte       // the session's id as JSON; nil if there is none
	Data    []byte       // as JSON; nil if there is none
	At      time.Time
}

// defaults fills in what is zero, in a copy. The error is an [*OptionError].
func (c Config) defaults() (Config, error) {
	if err := c.check(); err != nil {
		return Config{}, err
	}
	c.Header = c.Header.Clone()
	c.Tokens, c.Origins = slices.Clone(c.Tokens), slices.Clone(c.Origins)
	setDefault(&c.Window, 50)
	setDefault(&c.LagEvents, 1<<16)
	setDefault(&c.LagBytes, 64<<20)
	setDefault(&c.TotalBytes, 256<<20)
	setDefault(&c.Heartbeat, session.HeartbeatInterval)
	setDefault(&c.WriteTimeout, 90*time.Second)
	setDefault(&c.Linger, time.Second)
	setDefault(&c.RetireAfter, 5*time.Minute)
	setDefault(&c.HistoryReaders, 16)
	c.Window = max(c.Window, 0) // Off
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// An OptionError says which field of a [Config] makes no sense. The options of the
// packages above have the same names.
type OptionError struct {
	Field  string
	Reason string
}

func (e *OptionError) Error() string { return fmt.Sprintf("hub: Config.%s %s", e.Field, e.Reason) }

func (c *Config) check() error {
	for _, f := range []struct {
		name  string
		value int64
		off   bool // takes Off
	}{
		{"Newest", c.Newest, false},
		{"Window", int64(c.Window), true}, {"LagEvents", int64(c.LagEvents), false}, {"LagBytes", int64(c.LagBytes), false},
		{"TotalBytes", int64(c.TotalBytes), false}, {"Heartbeat", int64(c.Heartbeat), true}, {"WriteTimeout", int64(c.WriteTimeout), false},
		{"MaxAge", int64(c.MaxAge), false}, {"Linger", int64(c.Linger), true}, {"RetireAfter", int64(c.RetireAfter), true},
		{"MaxConnsPerAddr", int64(c.MaxConnsPerAddr), false}, {"MaxConns", int64(c.MaxConns), false},
		{"RetryAfter", int64(c.RetryAfter), false}, {"HistoryReaders", int64(c.HistoryReaders), false},
	} {
		if f.value < 0 && !(f.off && f.value == Off) {
			return &OptionError{f.name, "is negative"}
		}
	}
	switch {
	case slices.Contains(c.Tokens, ""):
		return &OptionError{"Tokens", "has an empty token"}
	case slices.Contains(c.Origins, ""):
		return &OptionError{"Origins", "has an empty origin"}
	case c.Newest != 0 && c.Run == "":
		return &OptionError{"Newest", "needs Run: a run of our own begins at 1"}
	case headerSafe(c.Run) != c.Run:
		return &OptionError{"Run", "can't be the value of a header"}
	}
	return nil
}
