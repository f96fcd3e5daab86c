package testserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
)

// Off switches an interval or a limit off, where zero is the default.
const Off = hub.Off

// Options says how a server behaves. Nil means all defaults; zero means the default
// that stands beside the field; [Off] is none where a field says so, and other
// negative values are errors. A server keeps a copy.
type Options struct {
	Addr        string // 127.0.0.1:0; where to listen
	ControlAddr string // none; a second address, for the control API and the page alone, which no fault reaches

	// TLS makes the server one of https, with HTTP/2 where the client offers it.
	// Without a certificate in it the server makes one for its names, that
	// [Server.Client] trusts; others find it in [Server.Certificate]. The control
	// API's own address stays http. Nil: http, with HTTP/2 for who begins with it.
	TLS *tls.Config

	// Profile is whose behaviour the server has: [Ours], [Aegis133] or [Aegis066].
	// Options that are given overrule it.
	Profile Profile

	Window     int           // 50, Off; events kept for replay, on each stream
	LagEvents  int           // 65,536; events kept for readers under way, on each stream
	LagBytes   int           // 64 MiB; bytes kept for readers under way, on each stream
	TotalBytes int           // 256 MiB; bytes kept for readers under way beyond the windows, on all streams
	Heartbeat  time.Duration // 30 s, Off; between two heartbeats of a connection

	// WriteTimeout is how long one write may take before the connection is destroyed:
	// 90 s.
	WriteTimeout time.Duration

	Linger      time.Duration // 1 s, Off; from a session's ended event to the end of its connections
	RetireAfter time.Duration // 5 min, Off; how long the log of an ended stream stays after that
	MaxAge      time.Duration // none; after which a connection is ended cleanly between two events

	Tokens    []string // none, and then nobody is asked; what is accepted as bearer and as ?token=
	SSETokens bool     // false; each stream wants a single-use token from POST /v1/auth/sse-token

	MaxConnsPerAddr int           // no limit; streams of one address, beyond which the answer is 429
	MaxConns        int           // no limit; streams in all, beyond which the answer is 503
	RetryAfter      time.Duration // none; what these two answers say, in whole seconds

	Origins []string // "*", all; whose pages may follow streams in a browser; an empty list is none

	Seed    int64 // 0; where faults with a probability, and slices, take their randomness from
	Journal int   // 4,096; requests kept for Requests
	Record  int   // 64 MiB; bytes of published events kept for assertions, the newest of all streams

	ControlToken string      // none; what the control API wants as bearer
	ControlHosts []string    // none; names that a Host header to the control API may have, beside those of this machine
	ControlAny   bool        // false: the control API answers loopback addresses and Host names alone
	NoControl    bool        // false; there is no control API and no page
	Header       http.Header // none; more headers for each stream's response
}

// defaults fills in what is zero, in a copy.
func (o *Options) defaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"Journal", opts.Journal}, {"Record", opts.Record}} {
		if f.value < 0 {
			return opts, fmt.Errorf("testserver: Options.%s is negative", f.name)
		}
	}
	if !opts.Profile.valid() {
		return opts, fmt.Errorf("testserver: Options.Profile: there is no %q", opts.Profile)
	}
	opts.ControlHosts = slices.Clone(opts.ControlHosts)
	setDefault(&opts.Addr, "127.0.0.1:0")
	setDefault(&opts.WriteTimeout, 90*time.Second)
	setDefault(&opts.Journal, 4096)
	setDefault(&opts.Record, 64<<20)
	if opts.Origins == nil && opts.Profile == Ours {
		opts.Origins = []string{"*"}
	}
	return opts, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// config is what of the options is for the hub.
func (o *Options) config() hub.Config {
	return hub.Config{
		Window: o.Window, LagEvents: o.LagEvents, LagBytes: o.LagBytes, TotalBytes: o.TotalBytes,
		Heartbeat: o.Heartbeat, WriteTimeout: o.WriteTimeout,
		Linger: o.Linger, RetireAfter: o.RetireAfter, MaxAge: o.MaxAge,
		Tokens: o.Tokens, SSETokens: o.SSETokens,
		MaxConnsPerAddr: o.MaxConnsPerAddr, MaxConns: o.MaxConns, RetryAfter: o.RetryAfter,
		Origins: o.Origins, Header: o.Header,
	}
}

// optionError says what is wrong with an option in our words.
func optionError(err error) error {
	if e, ok := errors.AsType[*hub.OptionError](err); ok {
		return fmt.Errorf("testserver: Options.%s %s", e.Field, e.Reason)
	}
	return fmt.Errorf("testserver: %w", err)
}
