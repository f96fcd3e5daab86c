package hub

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// Ring lets a visit's plan be asked again. It is harmless for one that is over.
func (h *Hub) Ring(visit int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v := h.visits[visit]; v != nil && v.conn != nil {
		v.conn.ring()
	}
}

// Command ends a visit; false if there is none of the number. One that waits for its
// answer is aborted, whatever the way.
func (h *Hub) Command(visit int64, how How, why string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.visits[visit]
	if v == nil {
		return false
	}
	v.command(how, why)
	return true
}

// command does what Hub.Command does. The caller holds the lock.
func (v *Visit) command(how How, why string) {
	if v.conn != nil {
		v.conn.command(how, why)
		return
	}
	if v.told == "" {
		v.told = why
	}
	v.cancel()
}

// CommandAll ends the streams under way that match, and returns how many these are.
// Nil matches all, also what waits for its answer.
func (h *Hub) CommandAll(match func(StreamID) bool, how How, why string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.visits {
		switch {
		case v.conn != nil && (match == nil || match(v.Stream)):
			v.command(how, why)
			n++
		case match == nil:
			v.command(how, why)
		}
	}
	return n
}

// A ConnInfo is one visit under way.
type ConnInfo struct {
	Visit  *Visit
	Open   bool // it has its stream; false while it waits for its answer
	Opened time.Time
	Events int // delivered
	Bytes  int64
	Last   string // the id of the newest event delivered; "" for none
	Behind int    // events in the log that are not taken yet
}

// Conns returns the visits under way, oldest first.
func (h *Hub) Conns() []ConnInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	infos := make([]ConnInfo, 0, len(h.visits))
	for _, v := range h.visits {
		i := ConnInfo{Visit: v}
		if c := v.conn; c != nil {
			i.Open, i.Opened, i.Events, i.Bytes, i.Last = c.running, c.opened, c.counted.Events, c.counted.Bytes, c.counted.Name()
			i.Behind = int(c.log.end() - min(c.cursor, c.log.end()))
		}
		infos = append(infos, i)
	}
	slices.SortFunc(infos, func(a, b ConnInfo) int { return cmp.Compare(a.Visit.Number, b.Visit.Number) })
	return infos
}

// A StreamInfo is a session, a plain stream, or the global one.
type StreamInfo struct {
	ID      StreamID
	Created time.Time
	Ended   bool
	Kept    int    // events
	Bytes   int    // of these
	Newest  string // the id of the newest event, also if it is gone; "" for none
	Conns   int
}

func (l *eventLog) info() StreamInfo {
	return StreamInfo{ID: l.id, Kept: len(l.frames), Bytes: l.size, Newest: l.newest().name(), Conns: len(l.readers)}
}

func (s *Session) info() StreamInfo {
	i := s.log.info()
	i.Created, i.Ended = s.created, s.ended
	return i
}

func (st *Stream) info() StreamInfo {
	i := st.log.info()
	i.Created, i.Ended = st.created, st.log.over
	return i
}

// Info describes the session.
func (s *Session) Info() StreamInfo {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.info()
}

// Info describes the stream.
func (st *Stream) Info() StreamInfo {
	st.hub.mu.Lock()
	defer st.hub.mu.Unlock()
	return st.info()
}

// Streams returns the streams of a kind by name, those that have ended and not retired
// included.
func (h *Hub) Streams(kind Kind) []StreamInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	infos := []StreamInfo{}
	switch kind {
	case OfAll:
		infos = append(infos, h.global.info())
	case Plain:
		for _, st := range h.streams {
			infos = append(infos, st.info())
		}
	default:
		for _, s := range h.sessions {
			infos = append(infos, s.info())
		}
	}
	slices.SortFunc(infos, func(a, b StreamInfo) int { return cmp.Compare(a.ID.Name, b.ID.Name) })
	return infos
}

// Lookup returns what there is under an id, without creating it.
func (h *Hub) Lookup(id StreamID) (i StreamInfo, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch id.Kind {
	case OfAll:
		return h.global.info(), true
	case Plain:
		if st := h.streams[id.Name]; st != nil {
			return st.info(), true
		}
	default:
		if s := h.sessions[id.Name]; s != nil {
			return s.info(), true
		}
	}
	return i, false
}

// Kept calls f for each event that a stream's log has, oldest first, with the lock
// held; false if there is no such stream.
func (h *Hub) Kept(id StreamID, f func(Event)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, _ := h.find(id)
	if l == nil {
		return false
	}
	for n := l.base; n < l.end(); n++ {
		f(l.event(n))
	}
	return true
}

// Stats are the hub's counts since its start, or since it was reset.
type Stats struct {
	Run       string // of the counter
	Counter   int64  // the newest id
	Sessions  int    // that have not retired
	Streams   int    // plain ones, the same
	Open      int    // streams under way
	Requests  int64  // for streams
	Events    int64  // published
	Delivered int64  // events written to connections
	Bytes     int64  // of bodies
	Kept      int    // bytes in the logs
}

// Stats returns the hub's counts.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Run, s.Counter, s.Sessions, s.Streams, s.Open = h.run, h.counter, len(h.sessions), len(h.streams), h.running
	for _, l := range h.logs() {
		s.Kept += l.size
	}
	return s
}

// NewRun begins a new run of the counter: the next id is 1, and nothing of the old run
// is known.
func (h *Hub) NewRun() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beginRun()
}

func (h *Hub) beginRun() {
	h.run, h.counter = newRun(), 0
	for _, l := range h.logs() {
		l.forget()
	}
}

// ClearLogs lets all events go. The ids go on, and what is gone is known to be missing.
func (h *Hub) ClearLogs() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.logs() {
		l.clear()
	}
}

// Reset makes the hub as it was at its start, but that streams under way go on: see
// [Hub.CommandAll] and [Hub.Idle]. Who holds a session or a stream from before can't
// publish with it any more.
func (h *Hub) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopAll()
	clear(h.sessions)
	clear(h.streams)
	clear(h.tokens)
	h.beginRun()
	h.stats = Stats{}
}

// stopAll lets nothing be published on the streams that there are. The caller holds
// the lock.
func (h *Hub) stopAll() {
	for _, s := range h.sessions {
		s.stop()
	}
	for _, st := range h.streams {
		st.stop()
	}
}

// Idle waits until no stream is under way, and the watcher knows how each has ended.
// The error is the context's cause.
func (h *Hub) Idle(ctx context.Context) error {
	return h.await(ctx, func() bool {
		for _, v := range h.visits {
			if v.conn != nil {
				return false
			}
		}
		return true
	})
}

// await waits for a fact that idle is broadcast for.
func (h *Hub) await(ctx context.Context, met func() bool) error {
	defer context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.idle.Broadcast()
	})()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !met() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h.idle.Wait()
	}
	return nil
}

// Shutdown ends gracefully: it refuses new streams with 503, tells the global stream,
// lets each connection end behind the newest event, and then closes the hub. When the
// context ends before, what is left is cut, and the error is the context's cause.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	first := !h.closing
	h.closing = true
	var woken []*conn
	if first && !h.cfg.Policy.NoShutdown {
		woken = h.announce(session.Shutdown, nil)
	}
	h.mu.Unlock()
	h.wakeUp(h.global, woken)
	h.CommandAll(nil, Drain, whyStop)
	err := h.Idle(ctx)
	h.Close()
	return err
}

// Close cuts all connections and refuses requests from now on. It returns when none is
// being handled any more, and is harmless the second time.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closing, h.closed = true, true
	h.stopAll()
	h.mu.Unlock()
	h.quit()
	h.CommandAll(nil, Abort, whyClosed)
	h.await(context.Background(), func() bool { return h.handled == 0 })
}
