package hub

import (
	"context"
	"net/http"
	"time"
)

// A Seam is asked what to do with each request for a stream. It is how a test server
// gets its faults in; the hub knows none.
type Seam interface {
	// Arrive is asked once for each GET or POST for a stream, also for one that
	// there is not, before anything else. It runs on the request's goroutine,
	// without the lock. Nil: the request is served as it is.
	Arrive(v *Visit) Plan
}

// A Plan is what a seam wants of one request. But for Quiet, its methods are called
// on the request's goroutine, one after the other; but for Admit, without the lock.
// It may take locks of its own, and must not wait but in Answer.
type Plan interface {
	// Answer may let the request wait, and may answer it in place of the stream.
	// The context ends when the client leaves, when the visit is commanded to end,
	// and with the hub. The request's body has been read ([Visit.Body]).
	Answer(ctx context.Context, w http.ResponseWriter, r *http.Request) Answer

	// Admit may change how the stream starts. The request is allowed to have it and
	// there is one. The hub's lock is held, so that nothing is published meanwhile.
	Admit(o *Opening)

	// Wrap may put something around the wire that carries the body. It is called
	// once, behind Admit.
	Wrap(w Wire) Wire

	// Quiet tells that Event and Next would not change anything at the moment. The
	// hub then writes what has gathered at once. It must cost next to nothing, and
	// is called from any goroutine. Who ends the quiet calls [Hub.Ring].
	Quiet() bool

	// Event is asked for each event that is about to be delivered. It returns what
	// is to be written in its place: [Keep] it, nothing, twice, in pieces, in
	// another form, together with one that was kept back before.
	Event(p Progress, ev Event) []Part

	// Next is asked before each write, and whenever the connection was rung: in
	// between two events, and also inside of one where Max has ended the last write.
	Next(p Progress) Step
}

// An Answer says whether a plan has answered a request.
type Answer struct {
	Done   bool
	Status int    // 0: there was no response, and the connection is to be aborted
	Why    string // for [Ending.Why]
}

// An Opening is a stream about to start, as a plan may change it.
type Opening struct {
	Asked      string      // the Last-Event-ID; "" starts live
	Run        string      // the run that the client says its id belongs to; "" if it doesn't say
	Inclusive  bool        // start with the event that has the id itself, if that is kept
	NewRun     bool        // first let the counter begin a new run, with all logs empty
	ClearLog   bool        // first forget all events of the stream
	Header     http.Header // over the stream's own; a key without values takes one away
	hub        *Hub
	log        *eventLog
	streamKind Kind
}

// Kept tells whether the stream's log still has the event with the id, so that
// Inclusive would change something.
func (o *Opening) Kept(id string) bool { return o.log.holds(id) }

// A Part is bytes that a plan wants to be written.
type Part struct {
	Bytes []byte
	Event *Event // is delivered when all bytes are out; nil: none is
}

// Keep is the event as it is: what [Plan.Event] returns to change nothing.
func (ev Event) Keep() []Part { return []Part{{Bytes: ev.Bytes, Event: &ev}} }

// Progress is what a connection has done so far.
type Progress struct {
	Opened   time.Time // when the stream was admitted
	Events   int       // delivered as a whole
	Bytes    int64     // of body, as they were before Wrap
	Boundary bool      // what was written so far ends between two events
	Left     int       // bytes of what is being written that are still to go
	Pending  int       // events that wait in the log
	Last     bool      // no event comes behind these
	Ending   bool      // all is written, and the body ends cleanly now: the last chance for parts
}

// A Step is what a plan wants next. The zero step goes on.
type Step struct {
	Parts []Part    // write these first, where the connection stands, then ask again
	End   *End      // end the connection, behind Parts
	Hush  bool      // write nothing now
	Beats bool      // while hushed heartbeats go on, between two events
	Wake  time.Time // ask again then at the latest, hushed or idle; zero: at no time
	Max   int       // write at most so many bytes before asking again; 0: no limit
}

// An End says how a connection is to end.
type End struct {
	How       How
	Why       string
	HalfChunk int // before that, send half the length of a chunk of so many bytes, where there are chunks
}

// How says in which way a connection ends.
type How int

const (
	Stay  How = iota // it does not
	Drain            // cleanly, when all that was published is written
	Clean            // cleanly, behind the event that is being written
	Abort            // without the body's end
	Reset            // with a TCP reset
	gone             // it is over
)

// A Wire carries the body of one response. Only the connection's goroutine uses it,
// but for Kill. What wraps one passes on what it does not change.
type Wire interface {
	// Write sends body bytes. It fails when the client takes longer than the write
	// timeout for a piece of 64 KiB.
	Write(b []byte) error
	// End ends the body as HTTP has it: the reader sees a clean end.
	End() error
	// Abort ends the connection (on HTTP/2 the stream) without the body's end. It
	// may panic with [http.ErrAbortHandler].
	Abort()
	// Reset ends the TCP connection with a reset. It may panic like Abort.
	Reset()
	// HalfChunk sends half of the length of a chunk of n bytes, where the body has
	// chunks.
	HalfChunk(n int) error
	// Kill makes a write that hangs fail, if hard with a reset where that is
	// possible at once. Any goroutine may call it, with the hub's lock held: it does
	// not wait.
	Kill(hard bool)
}
