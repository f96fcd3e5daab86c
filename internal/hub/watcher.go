package hub

import (
	"net/http"
	"time"
)

// A Watcher is told what happened. All methods are called with the hub's lock held,
// in the order of the facts; they must not call the hub, and must not wait. What
// they are given is theirs to read until they return; bytes are to be copied.
type Watcher interface {
	// Published tells of an event that is in the log of a stream.
	Published(id StreamID, ev Event)
	// Arrived tells of a request for a stream, before it is answered.
	Arrived(v *Visit)
	// Opened tells that the head of a stream's response is on its way.
	Opened(v *Visit, o Opened)
	// Delivered tells that events were handed to the connection as a whole. They lie
	// one behind the other in the log.
	Delivered(v *Visit, d Delivered)
	// Ended tells of the end of a request, also of one that was refused.
	Ended(v *Visit, e Ending)
}

// An Event is one event of a log, in wire form.
type Event struct {
	Log    int64  // the number of its log: a stream that is made anew has another one
	Place  uint64 // in its log: 1 for the first one ever; 0 if it comes from a [History]
	Num    int64  // its id, on the streams of sessions and the global one; 0 for none
	ID     string // its id, on plain streams
	Bytes  []byte
	Replay bool // it was there before the connection was
}

// Name returns the event's id as it is on the wire; "" if it has none.
func (ev Event) Name() string { return nameOf(ev.Num, ev.ID) }

// A Visit is one request for a stream, from its arrival to its end. Its fields do
// not change after it has arrived.
type Visit struct {
	Number  int64 // of all visits, from 1
	Time    time.Time
	Request *http.Request // headers, address and method; its body is read
	Body    []byte        // nil where there is neither a seam nor a watcher
	Stream  StreamID
	Known   bool // there is such a stream (or was, when the request arrived)

	// The hub's own, guarded by its lock.
	cancel func() // ends the wait of [Plan.Answer]
	conn   *conn  // nil before it is admitted
	told   string // why it was told to end before it was admitted
}

// Opened says where a stream starts.
type Opened struct {
	Log   int64  // the number of the log that it reads
	Asked string // the Last-Event-ID, as the plan left it
	Start string // the id of the event before the first that the connection gets; "" if there is none
	Gap   string // the response's Last-Event-ID; "" if there is none
	Run   string // of the counter
}

// Delivered says which events were written.
type Delivered struct {
	From, To uint64 // places of the first and the last one; 0 if they come from a [History]
	Events   int
	Num      int64  // the id of the last one, on streams of sessions and the global one
	ID       string // the same on plain streams
	Bytes    int64  // of body since the visit's beginning
}

// Name returns the last event's id as it is on the wire; "" if it has none.
func (d Delivered) Name() string { return nameOf(d.Num, d.ID) }

// An Ending says how a request ended.
type Ending struct {
	Status int // of the response; 0 if there was none
	Why    string
	How    How // for a stream: Clean, Abort or Reset; Stay if there was no stream
	Events int
	Bytes  int64
	Panic  any // what the handling of the request panicked with; nil: it did not
}
