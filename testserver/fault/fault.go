package fault

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// A Fault is something that goes wrong: a kind with its parameters, which
// connections it strikes, when, and how often. It is a value: each method returns a
// changed copy. What makes no sense is refused when the fault is put in force.
//
// Without conditions it strikes the first connection that it can, at once, and one
// time. An argument of zero means zero: a fault with Times(0) or Probability(0)
// never strikes.
type Fault struct{ spec spec }

// Kind returns the name of the fault's kind in JSON.
func (f Fault) Kind() string { return f.spec.Kind }

// Lasts tells whether the fault strikes until it is removed.
func (f Fault) Lasts() bool { return f.spec.Always }

// Duration returns what [Fault.For] has set; 0 if nothing has.
func (f Fault) Duration() time.Duration { return f.spec.For.value() }

// String returns the fault's JSON.
func (f Fault) String() string {
	b, err := json.Marshal(f)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// On limits the fault to one stream: a session's id, a plain stream's name, or "*"
// for the stream of all sessions.
func (f Fault) On(stream string) Fault {
	f.spec.Stream = &stream
	return f
}

// Path limits the fault to requests of that path. Requests that are for no stream,
// such as the exchange of a token, are struck by faults with a path alone.
func (f Fault) Path(path string) Fault {
	f.spec.Path = &path
	return f
}

// Conn limits the fault to the n-th connection from now on, from 1: the n-th GET or
// POST of those that its other conditions fit, whatever becomes of it.
func (f Fault) Conn(n int) Fault {
	f.spec.Conn = &n
	return f
}

// Method limits the fault to requests with a method, GET or POST. Others are never
// struck.
func (f Fault) Method(method string) Fault {
	f.spec.Method = &method
	return f
}

// Header limits the fault to requests with a header of that value; "*" is any
// value. More than one must all fit.
func (f Fault) Header(key, value string) Fault {
	header := maps.Clone(f.spec.Header)
	if header == nil {
		header = make(map[string]string)
	}
	header[key] = value
	f.spec.Header = header
	return f
}

// WithoutHeader limits the fault to requests that have no such header. More than one
// must all be absent.
func (f Fault) WithoutHeader(key string) Fault {
	f.spec.WithoutHeader = append(slices.Clip(f.spec.WithoutHeader), key)
	return f
}

// AfterEvents lets the connection deliver n events first, control frames not
// counted. It is for faults of the body alone, as are AfterBytes and AfterTime.
func (f Fault) AfterEvents(n int) Fault {
	f.spec.AfterEvents = &n
	return f
}

// AfterBytes lets the connection deliver exactly n bytes of body first, as they are
// before shapes change them. A fault that concerns whole events waits for the next
// one.
func (f Fault) AfterBytes(n int64) Fault {
	f.spec.AfterBytes = &n
	return f
}

// AfterTime lets the connection be open for d first.
func (f Fault) AfterTime(d time.Duration) Fault {
	f.spec.AfterTime = in(d)
	return f
}

// EventID makes the fault strike at the event with that id: on it, or before it if
// the kind does not concern events.
func (f Fault) EventID(id string) Fault {
	f.spec.EventID = &id
	return f
}

// EventType makes the fault strike at the next event of that type: the SSE event
// type, or the "event" inside the JSON of a session's event.
func (f Fault) EventType(typ string) Fault {
	f.spec.EventType = &typ
	return f
}

// Times lets the fault strike n times, instead of once.
func (f Fault) Times(n int) Fault {
	f.spec.Times = &n
	return f
}

// Always lets the fault strike until it is removed.
func (f Fault) Always() Fault {
	f.spec.Always = true
	return f
}

// Probability leaves each strike to chance, with p in [0, 1]. The kinds that may
// strike one connection often (Repeat, Drop, Reorder, Insert and the like) draw for
// each event, all others for each connection that fits. The n-th such connection
// always draws the same numbers for the same seed.
func (f Fault) Probability(p float64) Fault {
	f.spec.Probability = &p
	return f
}

// For says how long the fault lasts, if its kind has an end.
func (f Fault) For(d time.Duration) Fault {
	f.spec.For = in(d)
	return f
}

// RetryAfter adds the header to a response, in whole seconds, rounded up.
func (f Fault) RetryAfter(d time.Duration) Fault {
	f.spec.RetryAfter = in(d)
	return f
}

// RetryAfterDate adds the header to a response as the date that is d away then,
// rounded up to a second.
func (f Fault) RetryAfterDate(d time.Duration) Fault {
	f.spec.RetryAfterDate = in(d)
	return f
}

// Type sets a response's Content-Type.
func (f Fault) Type(contentType string) Fault {
	f.spec.ContentType = &contentType
	return f
}

// Body sets a response's body.
func (f Fault) Body(body string) Fault {
	f.spec.Body = &body
	return f
}

// SetHeader sets a header of the response; an empty value takes one away that would
// be there.
func (f Fault) SetHeader(key, value string) Fault {
	header := maps.Clone(f.spec.SetHeader)
	if header == nil {
		header = make(map[string]string)
	}
	header[key] = value
	f.spec.SetHeader = header
	return f
}

// Code sets the status of a redirect, 307 if it is not used.
func (f Fault) Code(status int) Fault {
	f.spec.Status = &status
	return f
}

// Limit cuts what is endless after n bytes.
func (f Fault) Limit(n int) Fault {
	f.spec.Bytes = &n
	return f
}

// Counts tells whether [Fault.Times] was used.
func (f Fault) Counts() bool { return f.spec.Times != nil }

// Location returns where a redirect goes; "" if it is none.
func (f Fault) Location() string {
	if f.spec.Location == nil {
		return ""
	}
	return *f.spec.Location
}
