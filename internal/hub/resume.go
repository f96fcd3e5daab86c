package hub

import (
	"net/textproto"
	"sort"
	"strconv"
	"strings"
)

// Earliest is the Last-Event-ID response header that says: something is missing,
// and its ids are not known. Mercure has the same.
const Earliest = "earliest"

// A place is where a connection starts to read.
type place struct {
	cursor uint64
	gap    string // the Last-Event-ID response header; "" for none
	skip   int64  // the reader has what comes up to this number
}

// An asking is a Last-Event-ID, understood.
type asking struct {
	live bool   // start with what comes
	num  int64  // on numbered streams; 0: all there is
	name string // on plain streams
	far  bool   // on numbered streams: a number that no counter reaches
}

// ask understands a Last-Event-ID.
func (h *Hub) ask(kind Kind, id string) asking {
	switch {
	case id == "", kind == OfAll && h.cfg.Policy.NoGlobalReplay:
		return asking{live: true}
	case kind == Plain:
		return asking{name: id}
	case h.cfg.Policy.LooseIDs:
		if id = leadingDigits(id); id == "" {
			return asking{live: true}
		}
	}
	num, err := strconv.ParseInt(id, 10, 64)
	if err != nil && isNumber(id) {
		return asking{far: true}
	}
	return asking{num: max(num, 0)}
}

func leadingDigits(s string) string {
	s = strings.TrimLeft(s, " ")
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// resume finds where a stream starts that has its events in its log. The caller
// holds the lock.
func (h *Hub) resume(l *eventLog, o *Opening) place {
	a := h.ask(l.id.Kind, o.Asked)
	var p place
	switch {
	case a.live:
		return place{cursor: l.end()}
	case o.Run != "" && o.Run != h.run && !h.cfg.Policy.NoSigns:
		p = l.foreign()
	case l.id.Kind == Plain:
		p = l.afterName(a.name)
	case a.far, a.num > h.counter:
		if h.cfg.Policy.AheadIsLive {
			return place{cursor: l.end()}
		}
		p = l.foreign()
	default:
		p = l.after(a.num)
	}
	if m := l.before(p.cursor); o.Inclusive && p.cursor > l.base && m.name() == o.Asked {
		p.cursor--
	}
	p.gap = headerSafe(p.gap)
	return p
}

// window starts at the oldest frame that may be replayed.
func (l *eventLog) window() uint64 {
	if l.bounds.whole {
		return l.base
	}
	return l.end() - uint64(min(len(l.frames), l.bounds.window))
}

// all starts at the replay window, and says so if that is not all there was.
func (l *eventLog) all() place {
	p := place{cursor: l.window()}
	if m := l.before(p.cursor); m.there {
		p.gap = orEarliest(m.name())
	}
	if l.gapAt(p.cursor) != nil {
		p.gap = Earliest
	}
	return p
}

// foreign is for an id of another run of the counter: all, and it says that
// something may be missing, since what followed that id is not known here.
func (l *eventLog) foreign() place {
	p := l.all()
	p.gap = orEarliest(p.gap)
	return p
}

// after starts behind a number; 0 gets all.
//
// Numbers of one stream have holes, so the frame with the number need not be
// here for nothing to be missing.
func (l *eventLog) after(asked int64) place {
	if asked == 0 {
		return l.all()
	}
	first := l.window()
	n := l.search(first, asked)
	if n == first {
		if m := l.before(first); m.there && m.num > asked {
			return l.all()
		}
	}
	p := place{cursor: n}
	if g := l.gapAt(n); g != nil && g.after >= asked || !l.before(first).there && asked < l.since {
		p.gap = Earliest
	}
	return p
}

// search returns the place of the first frame behind a number, from a place on.
func (l *eventLog) search(from uint64, asked int64) uint64 {
	kept := l.frames[from-l.base:]
	return from + uint64(sort.Search(len(kept), func(i int) bool { return kept[i].num > asked }))
}

// afterName starts behind the newest frame with an id, on a plain stream. An id that
// is not known gets all, and the sign that it means nothing here; but for "0", which
// asks for all there is.
func (l *eventLog) afterName(id string) place {
	for n, first := l.end(), l.window(); n > first; n-- {
		if l.at(n-1).id == id {
			p := place{cursor: n}
			if l.gapAt(n) != nil {
				p.gap = Earliest
			}
			return p
		}
	}
	p := l.all()
	switch m := l.before(p.cursor); {
	case m.there && m.id == id && p.gap != Earliest:
		p.gap = "" // it is the one before the window
	case id != "0":
		p.gap = orEarliest(p.gap)
	}
	return p
}

// covers tells whether the log has, or had since it let nothing go, all that follows
// what was asked for.
func (l *eventLog) covers(a asking) bool {
	switch {
	case l.dormant:
		return a.live
	case a.live, !l.dropped.there:
		return true
	case l.id.Kind == Plain:
		return l.holds(a.name) || l.dropped.id == a.name
	}
	return a.num >= l.dropped.num
}

func orEarliest(id string) string {
	if id == "" {
		return Earliest
	}
	return id
}

// maxHeaderID is how long an id in a header may be.
const maxHeaderID = 4 << 10

// headerSafe returns an id as the value of a header; [Earliest] if HTTP can't carry it.
func headerSafe(id string) string {
	if textproto.TrimString(id) != id || len(id) > maxHeaderID {
		return Earliest
	}
	for i := range len(id) {
		if b := id[i]; b < ' ' && b != '\t' || b == 0x7F {
			return Earliest
		}
	}
	return id
}
