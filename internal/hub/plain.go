package hub

import (
	"errors"
	"net/url"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Stream is a plain stream: any events, without envelopes, without connected and
// heartbeat; a comment proves the path instead.
type Stream struct {
	hub     *Hub
	name    string
	created time.Time
	log     *eventLog
	timer   *time.Timer // until it retires; guarded by the hub's lock
}

// PlainPath is where plain streams are: /events?stream=NAME.
const PlainPath = "/events"

var errStreamName = errors.New(`a plain stream's name must not be "" or "*"`)

// Stream returns the plain stream of a name, created if there is none, or if there is
// only one that has ended.
func (h *Hub) Stream(name string) (*Stream, error) {
	if name == "" || name == "*" {
		return nil, errStreamName
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.streams[name]
	if st == nil || st.log.over {
		st = h.newStream(name)
	}
	return st, nil
}

// newStream creates a plain stream. The caller holds the lock.
func (h *Hub) newStream(name string) *Stream {
	var before mark
	if st := h.streams[name]; st != nil {
		before = st.log.newest()
	}
	st := &Stream{hub: h, name: name, created: time.Now(), log: h.newLog(StreamID{Plain, name}, before)}
	h.streams[name] = st
	return st
}

// Name returns the stream's name.
func (st *Stream) Name() string { return st.name }

// URL returns the stream's address, below the base of the hub.
func (st *Stream) URL() string {
	return st.hub.Base() + PlainPath + "?stream=" + url.QueryEscape(st.name)
}

// Send publishes an event.
func (st *Stream) Send(ev sse.Event) error {
	b, err := ev.AppendText(nil)
	if err != nil {
		return err
	}
	h := st.hub
	h.mu.Lock()
	if st.log.over {
		h.mu.Unlock()
		return ErrEnded
	}
	id := ""
	if ev.HasID {
		id = ev.ID
	}
	h.add(st.log, 0, id, b)
	h.stats.Events++
	woken := st.log.wake()
	h.mu.Unlock()
	h.wakeUp(st.log, woken)
	return nil
}

// Gap says that events are missing behind the newest one.
func (st *Stream) Gap() {
	h := st.hub
	h.mu.Lock()
	st.log.markGap(0)
	woken := st.log.wake()
	h.mu.Unlock()
	h.wakeUp(st.log, woken)
}

// End ends the stream: its readers get what is left and then a clean end. Its log
// stays as long as that of an ended session.
func (st *Stream) End() {
	h := st.hub
	h.mu.Lock()
	st.finish()
	woken := st.log.wake()
	h.mu.Unlock()
	h.wakeUp(st.log, woken)
}

// finish closes the log, and lets the stream retire in time. The caller holds the
// lock, and wakes.
func (st *Stream) finish() {
	if h := st.hub; !st.log.over && !h.closed {
		st.timer = time.AfterFunc(max(h.cfg.RetireAfter, 0), func() { h.retireStream(st) })
	}
	st.log.over = true
}

func (h *Hub) retireStream(st *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[st.name] == st {
		delete(h.streams, st.name)
	}
}

// stop lets nothing more be sent, and nothing more happen by itself. The caller holds
// the lock, and wakes.
func (st *Stream) stop() {
	st.log.over = true
	if st.timer != nil {
		st.timer.Stop()
	}
}
