package testserver

import (
	"sort"
	"strconv"
)

// A resume is where a connection starts to read.
type resume struct {
	cursor uint64
	header string // the Last-Event-ID response header; "" for none
}

// A mark is what a log remembers of the newest frame that it let go.
type mark struct {
	num  int64  // its id, on numbered streams
	name string // its id as on the wire; "" if it is not known
}

// earliest is the Last-Event-ID response header that says: something is missing,
// and its ids are not known. Mercure has the same.
const earliest = "earliest"

// live starts behind all frames.
func (l *eventLog) live() resume { return resume{cursor: l.end()} }

// window starts at the oldest frame of the replay window.
func (l *eventLog) window() uint64 {
	return l.end() - uint64(min(len(l.frames), l.limits.window))
}

// before tells of the frame before a cursor; nil if there was none.
func (l *eventLog) before(cursor uint64) *mark {
	if cursor == l.base {
		return l.dropped
	}
	f := l.at(cursor - 1)
	return &mark{num: f.num, name: f.name()}
}

// all starts at the replay window, and says so if that is not all there was.
func (l *eventLog) all() resume {
	r := resume{cursor: l.window()}
	if m := l.before(r.cursor); m != nil {
		r.header = m.name
		if r.header == "" {
			r.header = earliest
		}
	}
	return r
}

// foreign is for an id of another run of the counter: all, and it says that
// something may be missing, since what followed that id is not known here.
func (l *eventLog) foreign() resume {
	r := l.all()
	if r.header == "" {
		r.header = earliest
	}
	return r
}

// after starts behind a number; 0 and garbage get all. The counter is the newest
// number of the server: what is beyond comes from another run.
//
// Numbers of one stream have holes, so the frame with the number need not be
// here for nothing to be missing.
func (l *eventLog) after(id string, counter int64) resume {
	asked, err := strconv.ParseInt(id, 10, 64)
	if err != nil || asked <= 0 {
		return l.all()
	}
	if asked > counter {
		return l.foreign()
	}
	first := l.window()
	kept := l.frames[first-l.base:]
	n := sort.Search(len(kept), func(i int) bool { return kept[i].num > asked })
	if n == 0 {
		if m := l.before(first); m != nil && m.num > asked {
			return l.all()
		}
	}
	return resume{cursor: first + uint64(n)}
}

// afterName starts behind the newest frame with an id, on a plain stream. An id
// that is not known gets all.
func (l *eventLog) afterName(id string) resume {
	for n, first := l.end(), l.window(); n > first; n-- {
		if l.at(n-1).id == id {
			return resume{cursor: n}
		}
	}
	r := l.all()
	if r.header == id {
		r.header = "" // it is the one before the window
	}
	return r
}
