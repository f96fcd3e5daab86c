package hub

import "strconv"

// An eventLog holds the frames of one stream, oldest first, in wire form. Whoever
// reads it has a cursor: the number of the next frame to read. A cursor pins nothing,
// and a replay is a read like any other, with a cursor further back.
//
// Frames lie one behind the other in segments, so that a reader that is behind gets
// many with one slice. Bytes of a segment never change once written: a reader may
// use a slice after the lock is gone, also when the log has let go of it.
//
// All fields are guarded by the hub's lock.
//
// Invariants: base ≤ cursor ≤ base+len(frames) for a reader that is not cut;
// size = the sum of the frames' lengths; surplus = the part of it that is beyond the
// window, where lag has been counted.
type eventLog struct {
	id     StreamID
	number int64 // of all logs there ever were
	bounds *bounds

	base   uint64 // the number of frames[0]: how many were let go
	frames []frame
	tail   *segment // where the next frame goes
	size   int      // bytes in frames

	dropped mark  // the frame before frames[0], if there was one
	since   int64 // the counter when the log began; what an id before that stood for is not known
	gaps    []gap // where events are missing, oldest first; those before the window are forgotten
	gapped  int   // how many gaps there ever were
	dormant bool  // nobody has read it yet, and a History has its events: nothing is kept

	readers map[*conn]struct{}
	waiting []*conn // readers with nothing to read, to be woken by the next frame
	spare   []*conn // the previous waiting list, to be used again
	over    bool    // no further frames; readers end when they have read all
}

// bounds say how much the logs of a hub keep. They are shared by all of them.
type bounds struct {
	window     int // frames for replay, whoever reads
	lagFrames  int // frames for readers under way
	lagBytes   int
	totalBytes int  // bytes for readers under way beyond the windows, in all logs together
	whole      bool // a replay has all that is kept, not only the window

	surplus int                    // bytes beyond the windows
	over    map[*eventLog]struct{} // the logs that have some
}

// A frame is one event in wire form.
type frame struct {
	num  int64  // its id, on the streams of sessions and the global one
	id   string // its id, on plain streams
	seg  *segment
	from int // seg.buf[from:to]
	to   int
}

func (f *frame) bytes() []byte { return f.seg.buf[f.from:f.to:f.to] }

// name is the frame's id as it is on the wire; "" if it has none.
func (f *frame) name() string { return nameOf(f.num, f.id) }

func nameOf(num int64, id string) string {
	if num != 0 {
		return strconv.FormatInt(num, 10)
	}
	return id
}

// A mark is what a log remembers of a frame that may be gone.
type mark struct {
	there bool   // there was one
	num   int64  // its id, on numbered streams
	id    string // its id, on plain ones
}

func (m mark) name() string { return nameOf(m.num, m.id) }

// A gap is a place in a log where events are missing.
type gap struct {
	at    uint64 // before the frame of this number
	after int64  // the counter when it was declared
}

// A segment is memory for frames that follow each other. Its capacity is fixed.
type segment struct {
	buf  []byte
	last uint64 // the number of its newest frame
}

// Segments begin small, for there may be ten thousand quiet sessions, and double.
const (
	minSegment = 1 << 10
	maxSegment = 64 << 10
)

// end is the cursor of a reader that has read all.
func (l *eventLog) end() uint64 { return l.base + uint64(len(l.frames)) }

// add appends a frame and lets go of what is over the bounds. It doesn't wake.
func (l *eventLog) add(num int64, id string, b []byte) {
	if l.dormant {
		l.base++
		l.dropped = mark{true, num, id}
		return
	}
	if l.tail == nil || cap(l.tail.buf)-len(l.tail.buf) < len(b) {
		size := minSegment
		if l.tail != nil {
			size = min(2*cap(l.tail.buf), maxSegment)
		}
		l.tail = &segment{buf: make([]byte, 0, max(size, len(b)))}
	}
	seg := l.tail
	from := len(seg.buf)
	seg.buf = append(seg.buf, b...)
	seg.last = l.end()
	l.frames = append(l.frames, frame{num: num, id: id, seg: seg, from: from, to: len(seg.buf)})
	l.size += len(b)
	if n := len(l.frames) - l.bounds.window; n > 0 {
		l.count(l.frames[n-1].to - l.frames[n-1].from)
	}
	l.trim()
}

// count enters bytes that came to lie beyond the window, or left the log from there.
func (l *eventLog) count(n int) {
	l.bounds.surplus += n
	if len(l.frames) > l.bounds.window {
		l.bounds.over[l] = struct{}{}
	} else {
		delete(l.bounds.over, l)
	}
}

// trim lets go of old frames. It keeps the replay window, and more for readers
// under way.
func (l *eventLog) trim() {
	for n := len(l.frames); n > l.bounds.window; n-- {
		if len(l.readers) > 0 && n <= l.bounds.lagFrames && l.size <= l.bounds.lagBytes {
			break
		}
		l.dropOldest()
	}
	l.bounds.trim()
}

// trim lets the logs that are furthest beyond their windows drop what is there,
// until all together are within the bound. It halves, so that it is not there again
// at the next frame.
func (b *bounds) trim() {
	for b.surplus > b.totalBytes {
		var largest *eventLog
		for l := range b.over {
			if largest == nil || l.size > largest.size {
				largest = l
			}
		}
		for half := (len(largest.frames) - b.window + 1) / 2; half > 0; half-- {
			largest.dropOldest()
		}
	}
}

func (l *eventLog) dropOldest() {
	f := &l.frames[0]
	beyond := len(l.frames) > l.bounds.window
	l.dropped = mark{true, f.num, f.id}
	n := f.to - f.from
	l.size -= n
	*f = frame{} // lets go of the segment
	l.frames = l.frames[1:]
	l.base++
	if beyond {
		l.count(-n)
	}
	for len(l.gaps) > 0 && l.gaps[0].at < l.base {
		l.gaps = l.gaps[1:]
	}
}

// clear lets go of all frames. What was in them is still known to be missing.
func (l *eventLog) clear() {
	for len(l.frames) > 0 {
		l.dropOldest()
	}
	l.tail = nil
}

// forget lets go of all frames, and of the memory that there were any.
func (l *eventLog) forget() {
	l.clear()
	l.dropped, l.gaps, l.since = mark{}, nil, 0
}

// markGap notes that events are missing behind the newest frame.
func (l *eventLog) markGap(counter int64) {
	l.gaps = append(l.gaps, gap{l.end(), counter})
	l.gapped++
}

// gapAt returns the gap at a place; nil if there is none.
func (l *eventLog) gapAt(place uint64) *gap {
	for i := len(l.gaps) - 1; i >= 0 && l.gaps[i].at >= place; i-- {
		if l.gaps[i].at == place {
			return &l.gaps[i]
		}
	}
	return nil
}

// gapsUpTo tells how many gaps, of all there ever were, are at or before a place.
func (l *eventLog) gapsUpTo(place uint64) int {
	n := l.gapped
	for i := len(l.gaps) - 1; i >= 0 && l.gaps[i].at > place; i-- {
		n--
	}
	return n
}

// barrier returns where a reader has to end that has been told of some gaps; false
// if there is no such place.
func (l *eventLog) barrier(told int) (place uint64, ok bool) {
	i := told - (l.gapped - len(l.gaps))
	if i < 0 || i >= len(l.gaps) {
		return l.base, i < 0 // one that is forgotten was before the log's first frame
	}
	return l.gaps[i].at, true
}

// wake returns the readers that wait, who are to be rung without the lock; they
// go to recycle then.
func (l *eventLog) wake() []*conn {
	woken := l.waiting
	for _, c := range woken {
		c.waitsAt = 0
	}
	l.waiting, l.spare = l.spare[:0], nil
	return woken
}

// wait puts a reader on the list of those to be woken.
func (l *eventLog) wait(c *conn) {
	if c.waitsAt == 0 {
		l.waiting = append(l.waiting, c)
		c.waitsAt = len(l.waiting)
	}
}

// leave takes a reader out of the log, which need not keep more than its window when
// it was the last.
func (l *eventLog) leave(c *conn) {
	delete(l.readers, c)
	l.trim()
	if c.waitsAt == 0 {
		return
	}
	last := len(l.waiting) - 1
	l.waiting[c.waitsAt-1] = l.waiting[last]
	l.waiting[c.waitsAt-1].waitsAt = c.waitsAt
	l.waiting[last] = nil
	l.waiting = l.waiting[:last]
	c.waitsAt = 0
}

// batch returns the bytes of the frames from the cursor on that lie together, up to
// a place, and the cursor behind them. It returns nil when there is nothing to read.
// The cursor's frame must not be gone.
func (l *eventLog) batch(cursor, limit uint64) (b []byte, next uint64) {
	limit = min(limit, l.end())
	if cursor >= limit {
		return nil, cursor
	}
	first := &l.frames[cursor-l.base]
	next = min(first.seg.last+1, limit)
	last := &l.frames[next-1-l.base]
	return first.seg.buf[first.from:last.to:last.to], next
}

// at returns the frame with a number that the log has.
func (l *eventLog) at(number uint64) *frame { return &l.frames[number-l.base] }

// event returns the same as an event.
func (l *eventLog) event(number uint64) Event {
	f := l.at(number)
	return Event{Log: l.number, Place: number + 1, Num: f.num, ID: f.id, Bytes: f.bytes()}
}

// newest returns the newest frame's mark, also of one that was let go.
func (l *eventLog) newest() mark { return l.before(l.end()) }

// before tells of the frame before a cursor.
func (l *eventLog) before(cursor uint64) mark {
	if cursor == l.base {
		return l.dropped
	}
	f := l.at(cursor - 1)
	return mark{true, f.num, f.id}
}

// holds tells whether the log still has an event by the name of its id.
func (l *eventLog) holds(name string) bool {
	for i := range l.frames {
		if l.frames[i].name() == name {
			return true
		}
	}
	return false
}
