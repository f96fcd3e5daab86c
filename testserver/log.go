package testserver

import "strconv"

// A log holds the frames of one stream, oldest first, in wire form. Whoever reads
// it has a cursor: the number of the next frame to read. A cursor pins nothing,
// and a replay is a read like any other, with a cursor further back.
//
// Frames lie one behind the other in segments, so that a reader that is behind
// gets many with one slice. Bytes of a segment never change once written: a
// reader may use a slice after the lock is gone, also when the log has let go of
// it.
//
// All fields are guarded by the hub's lock.
//
// Invariants: base ≤ cursor ≤ base+len(frames) for a reader that is not cut;
// size = the sum of the frames' lengths.
type eventLog struct {
	label  string // how faults and waits name the stream
	limits bounds

	base   uint64 // the number of frames[0]: how many were let go
	frames []frame
	tail   *segment // where the next frame goes
	size   int      // bytes in frames

	dropped *mark // the frame before frames[0]; nil if there was none

	readers      map[*conn]struct{}
	waiting      []*conn // readers with nothing to read, to be woken by the next frame
	spare        []*conn // the previous waiting list, to be used again
	delivered    uint64  // some connection has got all frames before this number
	deliveredNum int64   // the highest number among those
	over         bool    // no further frames; readers end when they have read all
}

// bounds say how much a log keeps.
type bounds struct {
	window    int // frames for replay, whoever reads
	lagFrames int // frames for readers under way
	lagBytes  int
}

// A frame is one event in wire form.
type frame struct {
	num  int64  // its id, on session streams and the global one
	id   string // its id, on plain streams
	seg  *segment
	from int // seg.buf[from:to]
	to   int
}

func (f frame) bytes() []byte { return f.seg.buf[f.from:f.to:f.to] }

// name is the frame's id as it is on the wire; "" if it has none.
func (f frame) name() string {
	if f.num != 0 {
		return strconv.FormatInt(f.num, 10)
	}
	return f.id
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
	l.trim()
}

// trim lets go of old frames. It keeps the replay window, and more for readers
// under way.
func (l *eventLog) trim() {
	for n := len(l.frames); n > l.limits.window; n-- {
		if len(l.readers) > 0 && n <= l.limits.lagFrames && l.size <= l.limits.lagBytes {
			return
		}
		l.dropOldest()
	}
}

func (l *eventLog) dropOldest() {
	f := l.frames[0]
	l.dropped = &mark{num: f.num, name: f.name()}
	l.size -= f.to - f.from
	l.frames[0] = frame{} // lets go of the segment
	l.frames = l.frames[1:]
	l.base++
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

// clear lets go of all frames. What was in them is still known to be missing.
func (l *eventLog) clear() {
	for len(l.frames) > 0 {
		l.dropOldest()
	}
	l.tail = nil
}

// batch returns the bytes of the frames from the cursor on that lie together,
// and the cursor behind them. It returns nil when there is nothing to read; ok
// is false when the cursor's frame is gone. Single asks for one frame alone.
func (l *eventLog) batch(cursor uint64, single bool) (b []byte, next uint64, ok bool) {
	if cursor < l.base {
		return nil, cursor, false
	}
	i := int(cursor - l.base)
	if i >= len(l.frames) {
		return nil, cursor, true
	}
	first := l.frames[i]
	if single {
		return first.bytes(), cursor + 1, true
	}
	last := l.frames[first.seg.last-l.base]
	return first.seg.buf[first.from:last.to:last.to], first.seg.last + 1, true
}

// at returns the frame with a number that the log has.
func (l *eventLog) at(number uint64) frame { return l.frames[number-l.base] }
