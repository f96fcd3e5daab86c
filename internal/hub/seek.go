package hub

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// lookBack finds where a stream starts whose older events are in the History. It
// creates the stream if it is only known there. The caller holds the lock, which is
// let go while the history is asked.
func (h *Hub) lookBack(ctx context.Context, id StreamID, s *start, host string) *Refusal {
	o := s.opening
	a := h.ask(id.Kind, o.Asked)
	foreign := !a.live && o.Run != "" && o.Run != h.run
	if foreign || a.far {
		a, foreign = asking{}, true
	}
	if s.log != nil && a.live && h.counter > 0 {
		h.wakeLog(s.log)
		s.place = place{cursor: s.log.end()}
		return nil
	}
	ahead := id.Kind != Plain && a.num > h.counter
	if s.log != nil && !foreign && !ahead && (id.Kind == Plain || h.counter > 0) && s.log.covers(a) {
		s.place = h.resume(s.log, o)
		return nil
	}
	found, base, why := h.seek(ctx, id, s, a, host)
	switch {
	case why != nil:
		return why
	case a.live: // with a log that may have everything still before it
		s.place = place{cursor: s.log.end(), skip: found.Newest}
		return nil
	case ahead && a.num > max(h.counter, found.Newest): // of another run
		foreign = true
		if found, base, why = h.seek(ctx, id, s, asking{}, host); why != nil {
			return why
		}
		a = asking{}
	}
	s.place = place{cursor: s.log.end(), gap: headerSafe(found.Start)}
	if foreign {
		s.place.gap = orEarliest(s.place.gap)
	}
	s.last = mark{there: true, num: a.num, id: a.name}
	s.past = base
	s.past.events = found.Events
	return nil
}

// seek asks the history, and lets the log keep events from then on. The caller holds
// the lock, which is let go meanwhile.
func (h *Hub) seek(ctx context.Context, id StreamID, s *start, a asking, host string) (found Past, base *past, why *Refusal) {
	if s.log != nil {
		h.wakeLog(s.log)
		base = &past{num: s.log.dropped.num, base: s.log.base}
	} else {
		base = &past{num: h.counter}
	}
	h.mu.Unlock()
	found, err := h.askHistory(ctx, id, a)
	if err == nil && found.Over {
		base.empty, err = isEmpty(found.Events)
	}
	h.mu.Lock()
	if err != nil {
		why = refuseLater(http.StatusServiceUnavailable, h.cfg.RetryAfter)
		why.Err = err
		return found, base, why
	}
	s.log, s.quoted = h.find(id)
	if s.log == nil && found.Known {
		s.log, s.quoted = h.create(id)
	}
	if s.log == nil {
		return found, base, h.unknown(id)
	}
	h.wakeLog(s.log)
	base.whole = h.counter == 0 || found.Over // what was stored before is not published here
	if found.Over {
		h.finish(id)
	}
	return found, base, h.full(host)
}

// finish ends a stream whose end only the history knew. The caller holds the lock.
func (h *Hub) finish(id StreamID) {
	switch id.Kind {
	case Plain:
		h.streams[id.Name].finish()
	case OfSession:
		if s := h.sessions[id.Name]; !s.log.over {
			s.ended = true
			h.active--
			s.closeLog()
		}
	}
}

// askHistory asks as soon as there is a slot for it.
func (h *Hub) askHistory(ctx context.Context, id StreamID, a asking) (Past, error) {
	select {
	case h.seeks <- struct{}{}:
	case <-ctx.Done():
		return Past{}, context.Cause(ctx)
	}
	defer func() { <-h.seeks }()
	after := a.name
	if id.Kind != Plain {
		after = strconv.FormatInt(a.num, 10)
	}
	return h.cfg.History(ctx, id, after)
}

// wakeLog lets a log keep events, now that it is read. The caller holds the lock.
func (h *Hub) wakeLog(l *eventLog) {
	if l.dormant {
		l.dormant = false
		l.dropped = mark{there: true, num: max(l.dropped.num, h.counter)}
	}
}

// create makes a stream that only the history knew. The caller holds the lock.
func (h *Hub) create(id StreamID) (*eventLog, []byte) {
	if id.Kind == Plain {
		return h.newStream(id.Name).log, nil
	}
	s := h.newSession(id.Name)
	return s.log, s.quoted
}

// isEmpty tells that there is no event.
func isEmpty(events iter.Seq2[sse.Event, error]) (empty bool, err error) {
	if events == nil {
		return true, nil
	}
	for _, err := range events {
		return false, err
	}
	return true, nil
}

// beginAt is for the first event from outside: what came before it only the history
// has, also for readers that are there already. The caller holds the lock.
func (h *Hub) beginAt(id int64) {
	for _, l := range h.logs() {
		if l.id.Kind != Plain {
			l.base++
			l.dropped = mark{there: id > 1, num: id - 1} // before 1 there is nothing
		}
	}
}
