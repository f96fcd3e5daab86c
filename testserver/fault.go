package testserver

import (
	"time"
)

// A Fault is something that goes wrong: a kind with its parameters, which
// connections it strikes, when, and how often. It is a value: each method returns
// a changed copy. [Server.Inject] puts it in force.
//
// Without conditions it strikes the first connection that it can, at once, and
// one time.
type Fault struct{ spec spec }

// A spec is a fault's JSON form. The kinds' table says which members a kind has.
type spec struct {
	Kind string `json:"kind"`

	// Parameters.
	Status      int      `json:"status,omitempty"`
	Body        string   `json:"body,omitempty"`
	ContentType string   `json:"contentType,omitempty"`
	RetryAfter  Duration `json:"retryAfter,omitempty"`
	Location    string   `json:"location,omitempty"`
	Text        string   `json:"text,omitempty"`
	Bytes       int      `json:"bytes,omitempty"`
	Events      int      `json:"events,omitempty"`
	For         Duration `json:"for,omitempty"`
	Every       Duration `json:"every,omitempty"`

	// Conditions on the connection.
	Stream string            `json:"stream,omitempty"`
	Conn   int               `json:"conn,omitempty"`
	Method string            `json:"method,omitempty"`
	Header map[string]string `json:"header,omitempty"`

	// When.
	AfterEvents int      `json:"afterEvents,omitempty"`
	AfterBytes  int64    `json:"afterBytes,omitempty"`
	AfterTime   Duration `json:"afterTime,omitempty"`

	// How often.
	Times       int     `json:"times,omitempty"`
	Always      bool    `json:"always,omitempty"`
	Probability float64 `json:"probability,omitempty"`
}

// On limits the fault to one stream: a session's id, a plain stream's name, or
// [Global].
func (f Fault) On(stream string) Fault {
	f.spec.Stream = stream
	return f
}

// Conn limits the fault to the n-th connection from now on, from 1, of those that
// its other conditions fit.
func (f Fault) Conn(n int) Fault {
	f.spec.Conn = n
	return f
}

// Method limits the fault to requests with a method.
func (f Fault) Method(method string) Fault {
	f.spec.Method = method
	return f
}

// Header limits the fault to requests with a header of that value; "*" is any
// value. More than one must all fit.
func (f Fault) Header(key, value string) Fault {
	header := map[string]string{key: value}
	for k, v := range f.spec.Header {
		if k != key {
			header[k] = v
		}
	}
	f.spec.Header = header
	return f
}

// AfterEvents lets the connection deliver n events first, control frames not
// counted.
func (f Fault) AfterEvents(n int) Fault {
	f.spec.AfterEvents = n
	return f
}

// AfterBytes lets the connection deliver exactly n bytes of body first.
func (f Fault) AfterBytes(n int64) Fault {
	f.spec.AfterBytes = n
	return f
}

// AfterTime lets the connection be open for d first.
func (f Fault) AfterTime(d time.Duration) Fault {
	f.spec.AfterTime = Duration(d)
	return f
}

// Times lets the fault strike n times, instead of once.
func (f Fault) Times(n int) Fault {
	f.spec.Times = n
	return f
}

// Always lets the fault strike until it is removed.
func (f Fault) Always() Fault {
	f.spec.Always = true
	return f
}

// Probability lets the fault strike a connection that fits with probability p,
// in (0, 1]. The same seed ([Options.Seed]) draws the same numbers, so requests
// in the same order meet the same faults.
func (f Fault) Probability(p float64) Fault {
	f.spec.Probability = p
	return f
}

// For says how long the fault lasts, if its kind knows an end.
func (f Fault) For(d time.Duration) Fault {
	f.spec.For = Duration(d)
	return f
}

// RetryAfter adds the header to a response, in whole seconds, rounded up.
func (f Fault) RetryAfter(d time.Duration) Fault {
	f.spec.RetryAfter = Duration(d)
	return f
}

// Body sets a response's body.
func (f Fault) Body(body string) Fault {
	f.spec.Body = body
	return f
}

// Kind returns the name of the fault's kind in JSON.
func (f Fault) Kind() string { return f.spec.Kind }

// A Duration is a time in the form of [time.ParseDuration], also in JSON: "1.5s".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
