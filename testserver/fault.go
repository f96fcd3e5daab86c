package testserver

import "time"

// A Fault is something that goes wrong: a kind with its parameters, which
// connections it strikes, when, and how often. It is a value: each method returns
// a changed copy. [Server.Inject] puts it in force.
//
// Without conditions it strikes the first connection that it can, at once, and
// one time.
type Fault struct{ spec spec }

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
// counted. It is for faults of the body alone, as are AfterBytes and AfterTime.
func (f Fault) AfterEvents(n int) Fault {
	f.spec.AfterEvents = n
	return f
}

// AfterBytes lets the connection deliver exactly n bytes of body first, as they
// are before a compression or other line ends. A fault that concerns whole events
// waits for the next one.
func (f Fault) AfterBytes(n int64) Fault {
	f.spec.AfterBytes = n
	return f
}

// AfterTime lets the connection be open for d first.
func (f Fault) AfterTime(d time.Duration) Fault {
	f.spec.AfterTime = duration(d)
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

// Probability leaves each strike to chance, with p in (0, 1]. The kinds that may
// strike one connection often (Repeat, Drop, Reorder, Insert and the like) draw
// for each event, all others for each connection that fits. The n-th such
// connection always draws the same numbers for the same [Options.Seed].
func (f Fault) Probability(p float64) Fault {
	f.spec.Probability = p
	return f
}

// For says how long the fault lasts, if its kind has an end.
func (f Fault) For(d time.Duration) Fault {
	f.spec.For = duration(d)
	return f
}

// RetryAfter adds the header to a response, in whole seconds, rounded up.
func (f Fault) RetryAfter(d time.Duration) Fault {
	f.spec.RetryAfter = duration(d)
	return f
}

// Type sets a response's Content-Type.
func (f Fault) Type(contentType string) Fault {
	f.spec.ContentType = contentType
	return f
}

// Body sets a response's body.
func (f Fault) Body(body string) Fault {
	f.spec.Body = body
	return f
}

// Kind returns the name of the fault's kind in JSON.
func (f Fault) Kind() string { return f.spec.Kind }
