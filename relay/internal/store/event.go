package store

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An Event is one that is stored, or is to be.
type Event struct {
	Key    Key
	Origin Origin
	Type   string // the SSE event type; "" for message. Session frames have none
	Data   []byte // unchanged from upstream
	HasID  bool   // its own block had an id

	// Gap, if not empty, says that events of the upstream are missing right before
	// this one, and why.
	Gap string

	Seq    uint64    // of the stream: what readers know it by
	Prev   uint64    // of the event before it under its key; 0 if it is the first
	Stored time.Time // when
}

// An Origin says which event of which upstream an event is: what several relays
// that follow one upstream agree by.
type Origin struct {
	Upstream string // the upstream's name, as configured
	Run      Run
	ID       string    // the event's id there
	Time     time.Time // when the upstream emitted it; zero if it does not say
	Hash     uint64    // of type and data
	Global   bool      // taken from the upstream's global stream
}

// A Run is one life of the upstream's id counter. Number grows with each; Name is
// what the upstream calls it (Sse-Run), "" if it does not.
type Run struct {
	Number uint64
	Name   string
}

// The headers of a stored message.
const (
	headUpstream = "Sse-Upstream"
	headRun      = "Sse-Run-Number"
	headRunName  = "Sse-Run"
	headID       = "Sse-Id"
	headTime     = "Sse-Time" // milliseconds of the Unix epoch
	headHash     = "Sse-Hash"
	headType     = "Sse-Type"
	headVia      = "Sse-Via"
	headGap      = "Sse-Gap"
	headPrev     = "Sse-Prev" // where the subject was empty: the event that retention took away last

	viaGlobal = "global"
)

// message returns what is published for an event.
func (s *Store) message(e *Event) *nats.Msg {
	m := nats.NewMsg(s.subject(e.Key))
	m.Data = e.Data
	set := func(name, value string) {
		if value != "" {
			m.Header[name] = []string{value}
		}
	}
	o := &e.Origin
	set(headUpstream, o.Upstream)
	set(headRun, strconv.FormatUint(o.Run.Number, 10))
	set(headRunName, o.Run.Name)
	if e.HasID {
		m.Header[headID] = []string{o.ID}
	}
	if !o.Time.IsZero() {
		set(headTime, strconv.FormatInt(o.Time.UnixMilli(), 10))
	}
	set(headHash, strconv.FormatUint(o.Hash, 16))
	set(headType, e.Type)
	if o.Global {
		set(headVia, viaGlobal)
	}
	set(headGap, e.Gap)
	return m
}

// event reads a stored message. One that is no event of ours is an error.
func (s *Store) event(subject string, h nats.Header, data []byte, seq uint64, stored time.Time) (Event, error) {
	k, ok := s.key(subject)
	if !ok {
		return Event{}, fmt.Errorf("relay: message %d is on subject %q, which is none of ours", seq, subject)
	}
	get := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	_, hasID := h[headID]
	e := Event{Key: k, Type: get(headType), Data: data, HasID: hasID, Gap: get(headGap), Seq: seq, Stored: stored}
	o := &e.Origin
	o.Upstream, o.Run.Name, o.ID, o.Global = get(headUpstream), get(headRunName), get(headID), get(headVia) == viaGlobal
	var errs [5]error
	o.Run.Number, errs[0] = number(get(headRun), 10)
	o.Hash, errs[1] = number(get(headHash), 16)
	e.Prev, errs[2] = number(get(jetstream.ExpectedLastSubjSeqHeader), 10)
	var ms uint64
	if ms, errs[3] = number(get(headTime), 10); ms != 0 {
		o.Time = time.UnixMilli(int64(ms))
	}
	var gone uint64
	gone, errs[4] = number(get(headPrev), 10)
	e.Prev = max(e.Prev, gone)
	if err := errors.Join(errs[:]...); err != nil {
		return Event{}, fmt.Errorf("relay: message %d of %v has a malformed header: %w", seq, k, err)
	}
	return e, nil
}

func number(s string, base int) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, base, 64)
}
