package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// Off switches an interval or a limit off, where zero is the default.
const Off = -1

// Options says how a server behaves. Nil means all defaults; zero means the default
// that stands beside the field, and [Off] is none where the field says so. What makes
// no sense is an error of [New]. A server keeps a copy.
type Options struct {
	// URL is under which address the server is reached, for [Session.URL] and
	// [Stream.URL], which are paths without it.
	URL string

	// Run names the run of the id counter in the Sse-Run header. "" is a random name
	// and a counter of the server's own, which begins at 1. With a name, ids come from
	// outside, by [Session.Append] alone, and the name says which ids belong together:
	// it must change when they begin anew, and must not when the process restarts.
	Run string

	// Newest is the newest id that was given before this process began, on any session's
	// stream; with Run. A reader that starts live, and is cut before its first event,
	// resumes behind it, and what is at or below it is looked for in the History alone:
	// a process that starts over events that are stored has to say it.
	Newest int64

	Window     int // 50, Off; events kept for replay, on each stream
	LagEvents  int // 65,536; events kept for readers under way, on each stream
	LagBytes   int // 64 MiB; bytes kept for readers under way, on each stream
	TotalBytes int // 256 MiB; bytes kept for readers under way, on all streams together, beyond the windows

	Heartbeat    time.Duration // 30 s, Off; between two heartbeats of a connection
	WriteTimeout time.Duration // 90 s; how long 64 KiB of a write may take before the connection is destroyed
	MaxAge       time.Duration // none; a connection is ended cleanly when it is older, so that its client asks again
	RetireAfter  time.Duration // 5 min, Off; how long an ended stream can still be read

	// Tokens are accepted as bearer and as the token parameter of a stream's URL.
	// None: nobody is asked. With SSETokens each connection wants a single-use token
	// instead, which POST /v1/auth/sse-token gives for one of Tokens.
	Tokens    []string
	SSETokens bool

	// Authorize is asked for each request for a stream that Tokens let pass, also for
	// the global stream and for a stream that there is not. An error refuses it:
	// [ErrUnauthorized] (or what wraps it) with status 401, any other with 403. The
	// client does not see its text; the observer does. It may wait, and is called from
	// many goroutines. Nil: nobody is asked.
	Authorize func(r *http.Request, stream StreamID) error

	MaxConns        int           // no limit; streams in all, beyond which the answer is 503
	MaxConnsPerAddr int           // no limit; streams of one address, beyond which the answer is 429
	RetryAfter      time.Duration // none; what these answers, and those while it shuts down, say: in whole seconds

	// Origins are the origins whose pages may follow streams in a browser, such as
	// "https://example.com"; "*" is all. None: no page of another origin may.
	Origins []string

	// NoHijack writes responses of HTTP/1.1 through net/http too. By default their
	// connections are taken over, which takes half the CPU time, and less memory;
	// a writer that does not offer it gets its stream through net/http anyway.
	NoHijack bool

	// History finds events that the server does not keep; see [History]. At most
	// HistoryReaders connections (16) read from it at once.
	History        History
	HistoryReaders int

	// Observer is told of each request for a stream; see [Observer]. Nil: nobody is.
	Observer Observer
}

// ErrUnauthorized is what [Options.Authorize] returns where the client should come back
// with other credentials.
var ErrUnauthorized = errors.New("unauthorized")

// An OptionError says which of the [Options] makes no sense.
type OptionError struct {
	Field  string // "Window"
	Reason string // "is negative"
}

func (e *OptionError) Error() string { return fmt.Sprintf("server: Options.%s %s", e.Field, e.Reason) }

// config returns the engine's configuration.
func (o *Options) config() hub.Config {
	if o == nil {
		return hub.Config{}
	}
	c := hub.Config{
		Base: o.URL, Run: o.Run, Newest: o.Newest,
		Window: o.Window, LagEvents: o.LagEvents, LagBytes: o.LagBytes, TotalBytes: o.TotalBytes,
		Heartbeat: o.Heartbeat, WriteTimeout: o.WriteTimeout, MaxAge: o.MaxAge, RetireAfter: o.RetireAfter,
		Tokens: o.Tokens, SSETokens: o.SSETokens,
		MaxConns: o.MaxConns, MaxConnsPerAddr: o.MaxConnsPerAddr, RetryAfter: o.RetryAfter,
		Origins: o.Origins, NoHijack: o.NoHijack, HistoryReaders: o.HistoryReaders,
	}
	if ask := o.Authorize; ask != nil {
		c.Authorize = func(r *http.Request, id hub.StreamID) error {
			err := ask(r, streamID(id))
			if errors.Is(err, ErrUnauthorized) {
				err = fmt.Errorf("%w: %w", hub.ErrUnauthorized, err)
			}
			return err
		}
	}
	if o.History != nil {
		c.History = o.History.ask
	}
	if tell := o.Observer; tell != nil {
		c.Report = func(r hub.Report) { tell(activity(r)) }
	}
	return c
}
