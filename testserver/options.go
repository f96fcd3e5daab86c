package testserver

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// Options says how a server behaves. Nil means all defaults; zero means the
// default that stands beside the field. A server keeps a copy.
type Options struct {
	Addr        string // 127.0.0.1:0; where to listen
	ControlAddr string // none; a second address, for the control API alone, which no fault reaches

	Window    int           // 50; events kept for replay, on each stream
	LagEvents int           // 65,536; events kept for readers under way, on each stream
	LagBytes  int           // 64 MiB; bytes kept for readers under way, on each stream
	Heartbeat time.Duration // 30 s; between two heartbeats of a connection

	// WriteTimeout is how long one write may take before the connection is
	// destroyed: 90 s.
	WriteTimeout time.Duration

	Tokens    []string // none, and then nobody is asked; what is accepted as bearer and as ?token=
	SSETokens bool     // false; each stream wants a single-use token from POST /v1/auth/sse-token

	MaxConnsPerAddr int           // no limit; streams of one address, beyond which the answer is 429
	MaxConns        int           // no limit; streams in all, beyond which the answer is 503
	RetryAfter      time.Duration // none; what these two answers say, in whole seconds

	Seed    int64 // 0; where faults with a probability, and slices, take their randomness from
	Journal int   // 4,096; requests kept for Requests

	ControlToken string      // none; what the control API wants as bearer
	ControlAny   bool        // false: the control API answers loopback addresses and Host names alone
	NoControl    bool        // false; there is no control API
	Header       http.Header // none; more headers for each stream's response
}

// defaults fills in what is zero, in a copy.
func (o *Options) defaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if err := opts.check(); err != nil {
		return Options{}, err
	}
	opts.Header = opts.Header.Clone()
	opts.Tokens = append([]string(nil), opts.Tokens...)
	setDefault(&opts.Addr, "127.0.0.1:0")
	setDefault(&opts.Window, 50)
	setDefault(&opts.LagEvents, 1<<16)
	setDefault(&opts.LagBytes, 64<<20)
	setDefault(&opts.Heartbeat, session.HeartbeatInterval)
	setDefault(&opts.WriteTimeout, 90*time.Second)
	setDefault(&opts.Journal, 4096)
	return opts, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check refuses what makes no sense.
func (o *Options) check() error {
	for _, f := range []struct {
		name     string
		negative bool
	}{
		{"Window", o.Window < 0}, {"LagEvents", o.LagEvents < 0}, {"LagBytes", o.LagBytes < 0},
		{"Heartbeat", o.Heartbeat < 0}, {"WriteTimeout", o.WriteTimeout < 0},
		{"MaxConnsPerAddr", o.MaxConnsPerAddr < 0}, {"MaxConns", o.MaxConns < 0},
		{"RetryAfter", o.RetryAfter < 0}, {"Journal", o.Journal < 0},
	} {
		if f.negative {
			return fmt.Errorf("testserver: Options.%s is negative", f.name)
		}
	}
	if slices.Contains(o.Tokens, "") {
		return fmt.Errorf("testserver: Options.Tokens has an empty token")
	}
	return nil
}
