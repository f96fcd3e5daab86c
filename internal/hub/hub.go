package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// A Hub is a server of event streams without a listener. Its methods are safe for
// concurrent use. See the package's documentation for the lock.
type Hub struct {
	cfg   Config
	ctx   context.Context // until Close
	quit  context.CancelFunc
	slots chan struct{} // one for each connection that reads from the History
	seeks chan struct{} // one for each request whose place is looked for there

	mu       sync.Mutex
	base     string // the URL of the server
	run      string // names the run of the counter
	counter  int64  // the newest id
	logged   int64  // logs there ever were
	bounds   bounds
	global   *eventLog
	sessions map[string]*Session
	streams  map[string]*Stream
	active   int    // sessions that have not ended
	scratch  []byte // the frame under construction

	visits  map[int64]*Visit   // requests for streams under way, by number
	conns   map[*conn]struct{} // those that have their stream
	perAddr map[string]int     // how many, by the client's address
	running int                // those whose response's head is out
	handled int                // requests that are being handled, of any kind
	idle    sync.Cond          // conns is empty, or handled is 0
	tokens  map[string]ticket
	stats   Stats
	closing bool // no new streams
	closed  bool // no requests at all
}

// New returns a hub. The error is an [*OptionError].
func New(cfg Config) (*Hub, error) {
	cfg, err := cfg.defaults()
	if err != nil {
		return nil, err
	}
	h := &Hub{
		cfg:      cfg,
		base:     cfg.Base,
		run:      cfg.Run,
		counter:  cfg.Newest,
		bounds:   bounds{window: cfg.Window, lagFrames: cfg.LagEvents, lagBytes: cfg.LagBytes, totalBytes: cfg.TotalBytes, whole: cfg.History != nil, over: make(map[*eventLog]struct{})},
		sessions: make(map[string]*Session),
		streams:  make(map[string]*Stream),
		visits:   make(map[int64]*Visit),
		conns:    make(map[*conn]struct{}),
		perAddr:  make(map[string]int),
		tokens:   make(map[string]ticket),
		slots:    make(chan struct{}, cfg.HistoryReaders),
		seeks:    make(chan struct{}, cfg.HistoryReaders),
	}
	h.idle.L = &h.mu
	if h.run == "" {
		h.run = newRun()
	}
	h.ctx, h.quit = context.WithCancel(context.Background())
	h.global = h.newLog(GlobalID, mark{})
	return h, nil
}

// newRun names a run of the counter.
func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// SetBase says under which URL the server is reached.
func (h *Hub) SetBase(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base = strings.TrimSuffix(url, "/")
}

// Base returns the URL under which the server is reached; "" if it is not known.
func (h *Hub) Base() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.base
}

// Run names the run of the counter.
func (h *Hub) Run() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

// newLog returns the log of a stream, which follows another one at the same address
// whose newest frame is given. Where there is a History, it has what was before. The
// caller holds the lock.
func (h *Hub) newLog(id StreamID, before mark) *eventLog {
	h.logged++
	l := &eventLog{id: id, number: h.logged, bounds: &h.bounds, readers: make(map[*conn]struct{}), dropped: before, since: h.counter}
	if h.cfg.History != nil {
		l.dormant = id.Kind == OfSession
		l.dropped = mark{there: true, num: h.counter}
	}
	return l
}

// logs returns all logs. The caller holds the lock.
func (h *Hub) logs() []*eventLog {
	all := []*eventLog{h.global}
	for _, s := range h.sessions {
		all = append(all, s.log)
	}
	for _, s := range h.streams {
		all = append(all, s.log)
	}
	return all
}

// add puts a frame into a log and tells of it. The caller holds the lock.
func (h *Hub) add(l *eventLog, num int64, id string, b []byte) {
	l.add(num, id, b)
	if h.cfg.Watcher != nil {
		h.cfg.Watcher.Published(l.id, Event{Log: l.number, Place: l.end(), Num: num, ID: id, Bytes: b})
	}
	if cap(h.scratch) > maxSegment {
		h.scratch = nil
	}
}

// frame returns the bytes of a frame, until the next one. The caller holds the lock.
func (h *Hub) frame(f *Frame) []byte {
	make := AppendFrame
	if h.cfg.Policy.Frame != nil {
		make = h.cfg.Policy.Frame
	}
	h.scratch = make(h.scratch[:0], f)
	return h.scratch
}

// addGlobal publishes a session's event on the global stream. The caller holds the
// lock.
func (h *Hub) addGlobal(f Frame) {
	f.Stream = OfAll
	if b := h.frame(&f); len(b) > 0 {
		h.add(h.global, f.Num, "", b)
	}
	h.stats.Events++
}

// announce publishes an event that only the global stream has, and returns who is
// to be rung. The caller holds the lock.
func (h *Hub) announce(kind session.Kind, name []byte) []*conn {
	f := Frame{Kind: kind, Session: name, At: time.Now()}
	if !h.outside() {
		h.counter++
		f.Num = h.counter
		h.addGlobal(f)
		return h.global.wake()
	}
	// The ids come from outside, so this event has none, and is in no log.
	f.Stream = OfAll
	h.write(h.global, append([]byte(nil), h.frame(&f)...))
	return nil
}

// outside tells that ids come from outside.
func (h *Hub) outside() bool { return h.cfg.Run != "" }

// ring wakes readers. The caller doesn't hold the lock, or each of them would
// run into it.
func ring(cs []*conn) {
	for _, c := range cs {
		c.ring()
	}
}

// wakeUp rings the readers of logs, and gives the logs their lists back.
func (h *Hub) wakeUp(l *eventLog, woken []*conn) {
	ring(woken)
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

// Errors of publishing.
var (
	ErrEnded   = errors.New("stream has ended")
	ErrOutside = errors.New("the ids of this server come from outside")
	ErrInside  = errors.New("the ids of this server don't come from outside: it needs a run that was given")
	ErrOrder   = errors.New("id is not above all those before")
)

// ErrUnauthorized is what Config.Authorize returns for a 401.
var ErrUnauthorized = errors.New("unauthorized")
