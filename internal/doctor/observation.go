package doctor

import (
	"net/http"
	"time"
)

// An Observation is what a probe has seen. Durations count from the request
// unless they say otherwise.
type Observation struct {
	URL     string // without secrets
	Session bool   // it is a session's stream, or that of all: what it must send is known
	Over    bool   // its session ended while it was listened to: its end is no cut, and nothing is left to replay

	// The way there.
	Err       error // no response, and why
	Addr      string
	Connected time.Duration
	TLS       string // its version; empty without
	Header    time.Duration
	Hops      []string // where redirects led, without secrets
	OtherSite bool     // one of them to another origin: credentials were left behind

	// The response.
	Proto      string
	StatusCode int
	Head       http.Header
	Body       []byte // its first KiB, if it is no stream

	// The stream, while it was listened to.
	Listened  time.Duration // from the response on
	Ended     error         // why it ended before; nil if it did not
	Bytes     int64
	FirstByte time.Duration // from the response on
	Silence   time.Duration // the longest time between two bytes, or up to the end
	LastGap   time.Duration // the one before the end

	Lines   Lines
	Events  []Event // the first maxEvents of them
	Count   int     // all of them
	Retry   time.Duration
	Failure error // of the decoder: an event without end

	Replay *Replay // what a second connection with Last-Event-ID got; nil if there was none
	Gzip   *Gzip   // what a request that allows compression got; nil if there was none
}

// Lines counts the lines of the stream, by what they are.
type Lines struct {
	Data, Fields, Comments, Blank, Unknown int
	Sample                                 string // the first unknown one
}

// An Event is one event of the stream.
type Event struct {
	ID      string
	HasID   bool
	Control bool          // a control frame of a session's stream
	At      time.Duration // from the response on
	Late    time.Duration // behind its own timestamp, where it has one
	Burst   int           // counts the reads that brought events: equal ones came together
}

// Replay is how the server answers a Last-Event-ID.
type Replay struct {
	Asked  string   // the id
	Want   []string // the ids that came after it before
	Got    []string // the ids that came now, as far as they are known
	Gap    string   // the response's Last-Event-ID header, if it differs from what was asked
	Status int
	Err    error
}

// Gzip is how the server answers a request that allows compression.
type Gzip struct {
	Encoding string // of the response
	Silent   bool   // nothing of the stream came out of the compressor in time
}

// limits of an observation.
const (
	maxEvents  = 1000
	bodySample = 1 << 10
)
