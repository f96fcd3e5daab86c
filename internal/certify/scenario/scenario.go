package scenario

import (
	"slices"
	"time"
)

// A Class says whose demand a scenario is.
type Class string

const (
	Standard Class = "standard" // the words of the HTML standard and of HTTP
	Robust   Class = "robust"   // what a client does that must not lose events
	Safe     Class = "safe"     // what a server must not be able to do to a client
)

// Classes are all of them, in the order of reports.
var Classes = []Class{Standard, Robust, Safe}

// A Need is what a client must be able to express for a scenario to be judged.
type Need string

const (
	NeedIDs   Need = "ids"   // it tells the last event ID in force
	NeedToken Need = "token" // it can send a token
)

// A Scenario is one thing that can go wrong, and what a right client does then.
type Scenario struct {
	Name   string // group/what-happens
	Class  Class
	Clause string // of the standard, or the reason where none rules
	Why    string // what it means for the author of a client that fails

	Path  string        // with its query; /events unless set
	TLS   bool          // over HTTPS, with a certificate that nobody vouches for
	Needs Need          // none
	Idle  time.Duration // the idle limit that the client is asked for; 0: one that no other scenario comes near
	Alone bool          // its delays are judged, so nothing else may run beside it

	Conns  []Conn
	Rest   *Conn // what requests beyond those get; nil: a stream on which nothing happens
	Over   bool  // no request may follow the last connection
	Checks []Check

	Grace    time.Duration // that a client may take beside what is usual, before it is given up on
	Linger   time.Duration // after the last connection, to see what follows; with Over as long as the client may take
	Most     int           // requests beyond Conns before a client is stopped as one that hammers; 25 unless set
	AnyShown bool          // events beyond those of Conns are no failure
	Live     *Live         // a real server instead of Conns
}

// Types are the event types that the client must listen for, besides "message".
func (s *Scenario) Types() []string {
	types := []string{}
	for _, c := range s.Conns {
		for _, ev := range c.Show {
			if ev.Type != defaultType && !slices.Contains(types, ev.Type) {
				types = append(types, ev.Type)
			}
		}
	}
	return types
}

// Lasts is how long the server takes of its own accord.
func (s *Scenario) Lasts() time.Duration {
	sum := s.Idle + s.Grace
	if s.Live != nil {
		sum += s.Live.Restart
	}
	for _, c := range s.Conns {
		sum += c.Delay + c.NotBefore
		for _, step := range c.Steps {
			sum += step.D * time.Duration(max(1, step.N))
		}
	}
	return sum
}

// A Field is one of a header.
type Field struct{ Name, Value string }

// Absent is the value of a field that must not be there.
const Absent = "\x00absent"

// A Framing is how the end of a body is told.
type Framing int

const (
	Chunked    Framing = iota // transfer coding of HTTP/1.1
	UntilClose                // the connection's end is the body's
)

// A Conn is what one request gets.
type Conn struct {
	// What the request must be like.
	Carry     []Field       // Absent: the field must not be there
	NotBefore time.Duration // since the end of the response before
	Optional  bool          // a client may stop for good instead of asking

	// The response. Values may hold {self} and {other}: the stage's two origins.
	Delay       time.Duration // before its head
	Head        string        // verbatim, instead of the next three; nothing is framed then
	Status      int           // 200
	ContentType string        // text/event-stream; "-": none
	Header      []Field
	Framing     Framing
	Gzip        bool // the body, where the request accepts it
	Mute        bool // no head at all

	Steps []Step
	Show  []Event // that a right client shows of it
}

// An Op is what a step does.
type Op string

const (
	OpSend  Op = "send"  // Text
	OpSlice Op = "slice" // Text, a byte at a time
	OpWire  Op = "wire"  // Text, unframed
	OpFlood Op = "flood" // Text again and again, up to N bytes or until the client leaves
	OpBeat  Op = "beat"  // Text N times, with D between
	OpShown Op = "shown" // wait until the client has shown N events since its start
	OpPause Op = "pause" // for D
	OpEnd   Op = "end"   // the body, cleanly
	OpCut   Op = "cut"   // the connection, with no end of the body
	OpReset Op = "reset" // the connection, by a TCP reset
	OpShut  Op = "shut"  // cut, and refuse connections for D
)

// A Step is one thing that the server does. After the last the connection stays
// open.
type Step struct {
	Op   Op
	Text string
	N    int
	D    time.Duration
}

func Send(text string) Step             { return Step{Op: OpSend, Text: text} }
func Slice(text string) Step            { return Step{Op: OpSlice, Text: text} }
func Wire(text string) Step             { return Step{Op: OpWire, Text: text} }
func Flood(text string, limit int) Step { return Step{Op: OpFlood, Text: text, N: limit} }
func Beat(text string, n int, d time.Duration) Step {
	return Step{Op: OpBeat, Text: text, N: n, D: d}
}
func Shown(n int) Step             { return Step{Op: OpShown, N: n} }
func Pause(d time.Duration) Step   { return Step{Op: OpPause, D: d} }
func End() Step                    { return Step{Op: OpEnd} }
func Cut() Step                    { return Step{Op: OpCut} }
func Reset() Step                  { return Step{Op: OpReset} }
func ShutFor(d time.Duration) Step { return Step{Op: OpShut, D: d} }
