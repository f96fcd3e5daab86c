package hub

import (
	"time"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A Session is a source of events: it has its own stream, and appears on the global
// one.
type Session struct {
	hub     *Hub
	name    string
	quoted  []byte // the name as JSON
	created time.Time
	log     *eventLog

	// Guarded by the hub's lock.
	ended  bool        // its ended event is out
	latest time.Time   // when its newest event was published, or it was created
	timer  *time.Timer // until it is over, or retires; nil before it has ended
}

// Session returns the session of a name, created if there is none, or if there is
// only one that has ended.
func (h *Hub) Session(name string) (*Session, error) {
	if err := session.CheckID(name); err != nil {
		return nil, err
	}
	h.mu.Lock()
	if s := h.sessions[name]; s != nil && !s.ended {
		h.mu.Unlock()
		return s, nil
	}
	s := h.newSession(name)
	var woken []*conn
	if !h.cfg.Policy.NoCreated && !h.outside() {
		woken = h.announce(session.SessionCreated, s.quoted)
	}
	h.mu.Unlock()
	h.wakeUp(h.global, woken)
	return s, nil
}

// newSession creates a session. The caller holds the lock.
func (h *Hub) newSession(name string) *Session {
	id := StreamID{OfSession, name}
	var before mark
	if s := h.sessions[name]; s != nil {
		before = s.log.newest()
	}
	s := &Session{hub: h, name: name, quoted: quote(name), created: time.Now(), log: h.newLog(id, before)}
	s.latest = s.created
	h.sessions[name] = s
	h.active++
	return s
}

// ID returns the session's id.
func (s *Session) ID() string { return s.name }

// URL returns the address of the session's stream, below the base of the hub.
func (s *Session) URL() string { return s.hub.Base() + session.EventsPath(s.name) }

// Emit publishes an event on the session's stream and on the global one. Data is JSON
// on one line; nil is no data. It returns the event's id.
func (s *Session) Emit(kind session.Kind, data []byte) (int64, error) {
	h := s.hub
	if h.outside() {
		return 0, ErrOutside
	}
	f := Frame{Kind: kind, Session: s.quoted, Data: data}
	h.mu.Lock()
	if s.log.over {
		h.mu.Unlock()
		return 0, ErrEnded
	}
	f.At = time.Now()
	h.counter++
	f.Num, s.latest = h.counter, f.At
	if b := h.frame(&f); len(b) > 0 {
		h.add(s.log, f.Num, "", b)
	}
	h.addGlobal(f)
	s.published(kind)
	return f.Num, nil
}

// Append publishes an event whose id comes from outside. Ids ascend, over all
// sessions of the hub. Data is all of the frame's data, and goes out as it is; on
// the global stream the kind in it is mapped.
func (s *Session) Append(id int64, kind session.Kind, data []byte) error {
	h := s.hub
	switch {
	case !h.outside():
		return ErrInside
	case !utf8.Valid(data):
		return &sse.FieldError{Field: "data", Reason: "is not valid UTF-8"}
	}
	all := data
	if kind != kind.Global() {
		all = forAll(data)
	}
	now := time.Now()
	h.mu.Lock()
	switch {
	case s.log.over:
		h.mu.Unlock()
		return ErrEnded
	case id <= h.counter:
		h.mu.Unlock()
		return ErrOrder
	}
	if h.counter == 0 && h.cfg.History != nil {
		h.beginAt(id)
	}
	h.counter, s.latest = id, now
	h.scratch = appendVerbatim(h.scratch[:0], id, data)
	h.add(s.log, id, "", h.scratch)
	h.scratch = appendVerbatim(h.scratch[:0], id, all)
	h.add(h.global, id, "", h.scratch)
	h.stats.Events++
	s.published(kind)
	return nil
}

// published does what follows an event, and releases the lock that the caller holds.
func (s *Session) published(kind session.Kind) {
	h := s.hub
	if kind == session.Ended && !s.ended {
		s.end()
	}
	mine, all := s.log.wake(), h.global.wake()
	h.mu.Unlock()
	h.wakeUp(s.log, mine)
	h.wakeUp(h.global, all)
}

// Gap says that events of the session are missing behind its newest one. Connections
// that are before this place end cleanly there, and a resume is told of it; so are
// those of the global stream.
func (s *Session) Gap() {
	h := s.hub
	h.mu.Lock()
	s.log.markGap(h.counter)
	h.global.markGap(h.counter)
	mine, all := s.log.wake(), h.global.wake()
	h.mu.Unlock()
	h.wakeUp(s.log, mine)
	h.wakeUp(h.global, all)
}

// Gap says that events of unknown sessions are missing behind the newest one of the
// global stream.
func (h *Hub) Gap() {
	h.mu.Lock()
	h.global.markGap(h.counter)
	woken := h.global.wake()
	h.mu.Unlock()
	h.wakeUp(h.global, woken)
}

// end is what follows a session's ended event. The caller holds the lock.
func (s *Session) end() {
	h := s.hub
	s.ended = true
	h.active--
	switch {
	case h.cfg.Policy.EndedStays:
		s.timer = time.AfterFunc(max(h.cfg.RetireAfter, 0), func() { h.retire(s) })
	case h.cfg.Linger == Off:
		s.closeLog()
	default:
		s.timer = time.AfterFunc(h.cfg.Linger, s.close)
	}
}

// close lets nothing more be published; readers read what is left, and end.
func (s *Session) close() {
	h := s.hub
	h.mu.Lock()
	s.closeLog()
	woken := s.log.wake()
	h.mu.Unlock()
	h.wakeUp(s.log, woken)
}

// closeLog closes the log and lets the session retire in time. The caller holds the
// lock, and wakes.
func (s *Session) closeLog() {
	h := s.hub
	if s.log.over || h.closed {
		s.log.over = true
		return
	}
	s.log.over = true
	s.timer = time.AfterFunc(max(h.cfg.RetireAfter, 0), func() { h.retire(s) })
}

// retire forgets a session. One that was created under the same name since is
// another one, and stays.
func (h *Hub) retire(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.name] == s {
		delete(h.sessions, s.name)
	}
}

// stop lets nothing more be published, and nothing more happen by itself. The caller
// holds the lock, and wakes.
func (s *Session) stop() {
	if !s.ended {
		s.ended = true
		s.hub.active--
	}
	s.log.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// found tells whether a request may have the session's stream. The caller holds the
// lock.
func (s *Session) found() bool {
	return s != nil && !(s.ended && s.hub.cfg.Policy.EndedStays)
}
