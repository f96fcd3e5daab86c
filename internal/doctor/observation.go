package doctor

import (
	"net/http"
	"time"
)

// An Observation is what a probe has seen. Durations count from the request
// unless they say otherwise.
type Observation struct {
	URL     string // without secrets
	Method  string // of the requests; not GET: the one request was not repeated
	Session bool   // it is a session's stream, or that of all: what it must send is known
	Over    bool   // its session ended while it was listened to: its end is no cut, and nothing is left to replay

	// The way there.
	Err       error // no response, and why
	Addr      string
	Proxy     string // the proxy that is asked for it; empty without
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
	Apart   int     // pieces too small for any buffer that came by themselves: nobody gathers
	Retry   *string // what the last retry field says; nil if there was none
	Failure error   // of the decoder: an event over the limit
	Large   int64   // bytes of that event, as far as they were read
	Whole   bool    // and those were all of it

	Replay *Replay // what connections with Last-Event-ID got; nil if there were none
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
	Sum     uint64        // of its data
	Control bool          // a control frame of a session's stream
	At      time.Duration // from the response on
	Late    time.Duration // behind its own timestamp, where it has one
	Burst   int           // counts the reads that brought events: equal ones came together
}

// Replay is how the server answers a Last-Event-ID.
type Replay struct {
	Asked   string   // a recent id
	Want    []string // the ids that came after it before
	Got     []string // the ids that came now, as far as they are known
	Gap     string   // the response's Last-Event-ID header, if it differs from what was asked
	Pending bool     // it was still under way when it was no longer waited for
	Status  int
	Err     error

	// How far back it goes: of the Heard events, the last Kept ones came again.
	Heard, Kept int
}

// Gzip is how the server answers a request that allows compression.
type Gzip struct {
	Encoding string // of the response
	Plain    int    // events that came meanwhile on a connection without it
	Through  int    // and on this one
}

// limits of an observation.
const (
	maxEvents  = 1000
	bodySample = 1 << 10
	maxLarge   = 256 << 20 // how much of an event over the limit is read
)
