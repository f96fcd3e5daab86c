package testserver

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"
)

// A striker is what a kind of stageBody does to a connection.
type striker func(c *conn, a *armed, event *[]byte) (order, error)

func ends(o order) striker {
	return func(c *conn, a *armed, _ *[]byte) (order, error) { return c.verdict(o, a) }
}

// cutAt sends the event's first n bytes and cuts.
func (c *conn) cutAt(a *armed, event []byte, n int) (order, error) {
	if err := c.send(event[:n]); err != nil {
		return stay, err
	}
	return c.verdict(orderAbort, a)
}

func strikeInsideEvent(c *conn, a *armed, event *[]byte) (order, error) {
	return c.cutAt(a, *event, len(*event)-1)
}

func strikeInsideLine(c *conn, a *armed, event *[]byte) (order, error) {
	lines := bytes.TrimRight(*event, "\n")
	start := bytes.LastIndexByte(lines, '\n') + 1
	return c.cutAt(a, *event, start+(len(lines)-start)/2)
}

func strikeInsideRune(c *conn, a *armed, event *[]byte) (order, error) {
	return c.cutAt(a, *event, bytes.IndexFunc(*event, isLong)+1)
}

func hasRune(_ *conn, event []byte) bool { return bytes.IndexFunc(event, isLong) >= 0 }

func isLong(r rune) bool { return r >= utf8.RuneSelf && r != utf8.RuneError }

func strikeInsideChunkHeader(c *conn, a *armed, event *[]byte) (order, error) {
	if err := c.wire.halfLength(len(*event)); err != nil {
		return stay, err
	}
	return c.verdict(orderAbort, a)
}

// inserts writes a text beside the stream's own.
func inserts(text func(*spec) string) striker {
	return func(c *conn, a *armed, _ *[]byte) (order, error) {
		return stay, c.send([]byte(text(&a.fault.spec)))
	}
}

func always(text string) func(*spec) string { return func(*spec) string { return text } }

// endlessPiece is how many bytes of something endless are written at once.
const endlessPiece = 16 << 10

// endless writes a beginning, and then one thing again and again: until the
// client leaves, the server wants the connection to end, or the fault's limit.
func endless(begin, again string) striker {
	piece := []byte(strings.Repeat(again, endlessPiece/len(again)))
	return func(c *conn, a *armed, _ *[]byte) (order, error) {
		left := a.fault.spec.Bytes
		if left == 0 {
			left = -1
		}
		for b := append([]byte(begin), piece...); left != 0; b = piece {
			if left > 0 {
				b = b[:min(left, len(b))]
				left -= len(b)
			}
			if err := c.send(b); err != nil {
				return stay, err
			}
			if o := c.ordered(); o != stay {
				return o, nil
			}
		}
		return c.verdict(orderAbort, a)
	}
}

func strikeRepeat(_ *conn, _ *armed, event *[]byte) (order, error) {
	*event = bytes.Repeat(*event, 2)
	return stay, nil
}

func strikeDrop(_ *conn, _ *armed, event *[]byte) (order, error) {
	*event = nil
	return stay, nil
}

func strikeReorder(c *conn, _ *armed, event *[]byte) (order, error) {
	c.late, *event = *event, nil
	return stay, nil
}

func noneLate(c *conn, _ []byte) bool { return c.late == nil }

// hushes sends no events: for a time, until some have gathered, or for good.
// Heartbeats go on if beats is true.
func hushes(beats bool) striker {
	return func(c *conn, a *armed, _ *[]byte) (order, error) {
		s := &a.fault.spec
		var over <-chan time.Time
		if s.For > 0 {
			timer := time.NewTimer(time.Duration(s.For))
			defer timer.Stop()
			over = timer.C
		}
		for {
			o, gathered, last := c.hushed()
			if o != stay {
				return o, nil
			}
			a.next = c.offered + max(1, gathered) // the burst comes first
			if s.Events > 0 && (gathered >= s.Events || last) {
				return stay, nil
			}
			if beats && c.beat.Swap(false) {
				if err := c.send(c.nextBeat()); err != nil {
					return stay, err
				}
			}
			select {
			case <-c.bell:
			case <-over:
				return stay, nil
			}
		}
	}
}

// hushed returns the order that a silent connection has, how many events have
// gathered for it, and whether these are the last. The next one wakes it.
func (c *conn) hushed() (o order, gathered int, last bool) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.log.wait(c)
	return c.order, int(c.log.end() - c.cursor), c.log.over
}

// ordered returns the order that the connection has.
func (c *conn) ordered() order {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return c.order
}
