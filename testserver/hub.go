package testserver

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// retireAfter is how long a session stays after its ended event.
const retireAfter = time.Second

// A hub is what the server knows: the counter, the logs, the connections, the
// faults and the journal, all under one lock. Who holds the lock does no I/O.
type hub struct {
	opts Options
	base string          // the URL of the server
	ctx  context.Context // until Close
	quit context.CancelFunc
	done sync.WaitGroup // goroutines of streams

	mu       sync.Mutex
	run      string // names the run of the counter
	counter  int64  // the newest id
	global   *eventLog
	sessions map[string]*Session
	streams  map[string]*Stream
	scratch  []byte // the frame under construction

	conns   map[*conn]struct{} // streams under way
	perAddr map[string]int     // how many, by the client's address
	opened  int64              // how many there ever were
	running int                // those whose response's head is out
	faults  []*planted
	spent   []*planted // used up, the newest ones
	planted int        // how many faults there ever were
	second  string     // a second port, for redirects; "" if there is none yet
	journal journal
	waits   map[*wait]struct{}
	tokens  map[string]time.Time // single-use tokens and when they expire
	stats   Stats
	ledger  *ledger // nil if nobody will ask
	closed  bool    // no new streams
}

func newHub(opts Options) *hub {
	h := &hub{
		opts:     opts,
		run:      newRun(),
		sessions: make(map[string]*Session),
		streams:  make(map[string]*Stream),
		conns:    make(map[*conn]struct{}),
		perAddr:  make(map[string]int),
		journal:  journal{max: opts.Journal},
		waits:    make(map[*wait]struct{}),
		tokens:   make(map[string]time.Time),
	}
	h.ctx, h.quit = context.WithCancel(context.Background())
	h.global = h.newLog(Global)
	return h
}

// restartCounter begins a new run: the next id is 1, and nothing of the old run is
// known. The caller holds the lock.
func (h *hub) restartCounter() {
	h.run, h.counter = newRun(), 0
	for _, l := range h.logs() {
		l.clear()
		l.dropped, l.deliveredNum = nil, 0
	}
}

// logs returns all logs. The caller holds the lock.
func (h *hub) logs() []*eventLog {
	all := []*eventLog{h.global}
	for _, s := range h.sessions {
		all = append(all, s.log)
	}
	for _, s := range h.streams {
		all = append(all, s.log)
	}
	return all
}

// sortedConns returns the connections, oldest first. The caller holds the lock.
func (h *hub) sortedConns() []*conn {
	return slices.SortedFunc(maps.Keys(h.conns), func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
}

func (h *hub) newLog(label string) *eventLog {
	return &eventLog{
		label:   label,
		limits:  bounds{window: h.opts.Window, lagFrames: h.opts.LagEvents, lagBytes: h.opts.LagBytes},
		readers: make(map[*conn]struct{}),
	}
}

// emit publishes one event of a session, on its own stream and on the global
// one. It returns 0 if the session is over.
func (h *hub) emit(s *Session, kind session.Kind, data []byte) int64 {
	now := time.Now()
	h.mu.Lock()
	if s.log.over {
		h.mu.Unlock()
		return 0
	}
	h.counter++
	num := h.counter
	h.scratch = appendFrame(h.scratch[:0], num, kind, s.quoted, data, now)
	s.log.add(num, "", h.scratch)
	h.post(s.log, num, h.scratch)
	h.addGlobal(num, kind.Global(), s.quoted, data, now)
	if kind == session.Ended && !s.ended {
		s.ended = true
		s.retirement = time.AfterFunc(retireAfter, func() { h.retire(s) })
	}
	mine, all := s.log.wake(), h.global.wake()
	h.mu.Unlock()
	ring(mine)
	ring(all)
	h.recycle(s.log, mine)
	h.recycle(h.global, all)
	return num
}

func (h *hub) addGlobal(num int64, kind session.Kind, name, data []byte, now time.Time) {
	h.scratch = appendFrame(h.scratch[:0], num, kind, name, data, now)
	h.global.add(num, "", h.scratch)
	h.post(h.global, num, h.scratch)
	h.stats.Events++
	if cap(h.scratch) > maxSegment {
		h.scratch = nil
	}
}

// post enters a session frame in the ledger, if there is one. The caller holds the
// lock.
func (h *hub) post(l *eventLog, num int64, frame []byte) {
	if h.ledger != nil {
		h.ledger.post(l.label, h.ledger.ofFrame(num, frame))
	}
}

// announce publishes an event that only the global stream has. The caller holds
// the lock, and rings who is returned when it has let go of it.
func (h *hub) announce(kind session.Kind, name, data []byte) []*conn {
	h.counter++
	h.addGlobal(h.counter, kind, name, data, time.Now())
	return h.global.wake()
}

// send publishes an event on a plain stream.
func (h *hub) send(st *Stream, ev sse.Event) error {
	b, err := ev.AppendText(nil)
	if err != nil {
		return err
	}
	h.mu.Lock()
	if st.log.over {
		h.mu.Unlock()
		return errEnded
	}
	id := ""
	if ev.HasID {
		id = ev.ID
	}
	st.log.add(0, id, b)
	if h.ledger != nil {
		h.ledger.post(st.log.label, h.ledger.of(ev))
	}
	h.stats.Events++
	woken := st.log.wake()
	h.mu.Unlock()
	ring(woken)
	h.recycle(st.log, woken)
	return nil
}

// session returns the session of a name, created if there is none, or if there
// is only one that has ended.
func (h *hub) session(name string) (*Session, error) {
	if err := session.CheckID(name); err != nil {
		return nil, err
	}
	h.mu.Lock()
	if s := h.sessions[name]; s != nil && !s.ended {
		h.mu.Unlock()
		return s, nil
	}
	s := &Session{hub: h, id: name, quoted: quote(name), created: time.Now(), log: h.newLog(name), url: h.base + session.EventsPath(name)}
	h.sessions[name] = s
	woken := h.announce(session.SessionCreated, s.quoted, nil)
	h.mu.Unlock()
	ring(woken)
	return s, nil
}

// retire ends a session for good. A session that was created under the same name
// since is another one, and stays.
func (h *hub) retire(s *Session) {
	h.mu.Lock()
	s.close()
	if h.sessions[s.id] == s {
		delete(h.sessions, s.id)
	}
	woken := s.log.wake()
	h.mu.Unlock()
	ring(woken)
}

// close lets nothing more be published; readers read what is left, and end. The
// caller holds the lock.
func (s *Session) close() {
	s.ended, s.log.over = true, true
	if s.retirement != nil {
		s.retirement.Stop()
	}
}

// ring wakes readers. The caller doesn't hold the lock, or each of them would
// run into it.
func ring(cs []*conn) {
	for _, c := range cs {
		c.ring()
	}
}

// recycle gives a log its list of waiting readers back.
func (h *hub) recycle(l *eventLog, woken []*conn) {
	if cap(woken) == 0 {
		return
	}
	clear(woken)
	h.mu.Lock()
	if cap(l.spare) < cap(woken) {
		l.spare = woken[:0]
	}
	h.mu.Unlock()
}

var (
	errClosed = errors.New("testserver: server is closed")
	errEnded  = errors.New("testserver: stream has ended")
)
