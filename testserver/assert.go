package testserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/control"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// AssertNoGap fails the test unless a client saw each event that was published on the
// stream from the first that it saw on to the newest, in their order, and with the same
// bytes of data. Repeats are no gaps; control frames are left aside. The stream is a
// session's id, a plain stream's name, or [Global]; sessions that followed each other
// under one id are one stream. A stream that there never was, and nothing seen where
// something was published, are failures. For a client that was to see all, see
// [Server.AssertAll].
//
// A client that is still reading may not have seen all yet: wait for the last event
// first.
func (s *Server) AssertNoGap(tb TB, stream string, seen ...sse.Event) {
	tb.Helper()
	s.assert(tb, stream, seen, func(c *comparison) { c.complete(false) })
}

// AssertAll fails the test unless a client saw each event that was published on the
// stream, from the first one on: in their order, each once, with the same bytes.
func (s *Server) AssertAll(tb TB, stream string, seen ...sse.Event) {
	tb.Helper()
	s.assert(tb, stream, seen, func(c *comparison) { c.complete(true); c.once() })
}

// AssertNoRepeat fails the test if a client saw an event of the stream again, or after
// one that was published later. Gaps are no repeats, but nothing seen where something
// was published is a failure. For the rest see [Server.AssertNoGap].
func (s *Server) AssertNoRepeat(tb TB, stream string, seen ...sse.Event) {
	tb.Helper()
	s.assert(tb, stream, seen, (*comparison).once)
}

func (s *Server) assert(tb TB, stream string, seen []sse.Event, check func(*comparison)) {
	tb.Helper()
	var got []seeing
	for _, ev := range seen {
		if !session.IsControl(ev) {
			got = append(got, seeingOf(ev))
		}
	}
	for _, problem := range s.book.compare(stream, got, check).Problems {
		tb.Errorf("testserver: %s", problem)
	}
}

// Assert compares what a client claims to have seen, for the control API.
func (d *driver) Assert(q control.Question) control.Verdict {
	var got []seeing
	for _, s := range q.Seen {
		got = append(got, seeing{Seen: s})
	}
	return d.book.compare(q.Stream, got, func(c *comparison) { c.complete(q.All); c.once() })
}

// A seeing is what a client says of one event that it saw; what it does not say is
// nil.
type seeing struct {
	control.Seen
	inForce bool // the id may be that of an event before, which was still in force
}

var toLF = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// seeingOf returns what an event says, alike for one to be encoded and for the same
// decoded. An id that is there counts, whatever HasID says, unless the event was
// published without one.
func seeingOf(ev sse.Event) seeing {
	if strings.Contains(ev.Data, "\r") {
		ev.Data = toLF.Replace(ev.Data)
	}
	s := seeing{Seen: control.Seen{Type: &ev.Type, Data: &ev.Data}}
	if ev.HasID || ev.ID != "" {
		s.ID, s.inForce = &ev.ID, !ev.HasID
	}
	return s
}

// isOf tells whether what was seen is the posting, as far as it says: the same id.
func (s *seeing) isOf(p *posting) bool {
	if s.ID != nil && *s.ID != "" && (!s.inForce || p.hasID) {
		return p.hasID && p.id == *s.ID
	}
	return (!p.hasID || p.id == "") && s.same(p)
}

// same tells whether type and data are those of the posting, as far as they are said.
func (s *seeing) same(p *posting) bool {
	if s.Data != nil && *s.Data != p.data {
		return false
	}
	return s.Type == nil || *s.Type == p.kind() || *s.Type == p.typ || *s.Type == sse.DefaultType && p.typ == ""
}

func (s *seeing) String() string {
	if s.ID != nil && *s.ID != "" {
		return "event " + strconv.Quote(*s.ID)
	}
	if s.Data != nil {
		return "an event without id, " + excerpt(*s.Data)
	}
	return "an event without id"
}

func (p *posting) String() string {
	if p.id != "" {
		return "event " + strconv.Quote(p.id)
	}
	return "an event without id, " + excerpt(p.data)
}

// excerpt is a text in quotes, not too long.
func excerpt(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// A comparison finds where what was seen differs from what was published.
type comparison struct {
	stream  string
	posted  []posting
	unknown int // postings before these are forgotten
	seen    []seeing
	places  []int // of what was seen among the postings; -1 if it was never published
	verdict control.Verdict
}

// compare checks what was seen of a stream.
func (b *book) compare(stream string, seen []seeing, check func(*comparison)) control.Verdict {
	c := &comparison{stream: stream, seen: seen, verdict: control.Verdict{
		Problems: []string{}, Missing: []string{}, Repeated: []string{}, Unknown: []string{}, Changed: []control.Changed{},
	}}
	b.mu.Lock()
	r := b.find(stream)
	if r != nil {
		c.posted, c.unknown = slices.Clone(r.postings), r.forgotten
	}
	b.mu.Unlock()
	if r == nil {
		c.problem("there is no stream %q", stream)
	} else {
		c.place()
		if len(seen) == 0 && len(c.posted) > 0 {
			c.problem("%d events were published on %q, and none was seen", len(c.posted), stream)
		}
		check(c)
	}
	c.verdict.OK = len(c.verdict.Problems) == 0
	return c.verdict
}

func (c *comparison) problem(format string, args ...any) {
	c.verdict.Problems = append(c.verdict.Problems, fmt.Sprintf(format, args...))
}

// place finds each event that was seen among those that were published: the next one
// like it, or else one before.
func (c *comparison) place() {
	next := 0
	for i := range c.seen {
		s := &c.seen[i]
		at := c.index(next, s)
		if at < 0 {
			at = c.index(0, s)
		}
		c.places = append(c.places, at)
		switch {
		case at < 0:
			c.verdict.Unknown = append(c.verdict.Unknown, idOf(s.ID))
			c.problem("seen[%d], %v, was never published on %q", i, s, c.stream)
		case !s.same(&c.posted[at]):
			c.changed(i, at)
		}
		next = max(next, at+1)
	}
}

// index returns where a posting is that was seen, from a place on; -1 if there is
// none. One that is the same goes before one that only has the id.
func (c *comparison) index(from int, s *seeing) int {
	first := -1
	for i := from; i < len(c.posted); i++ {
		if p := &c.posted[i]; s.isOf(p) {
			if s.same(p) {
				return i
			}
			if first < 0 {
				first = i
			}
		}
	}
	return first
}

func (c *comparison) changed(i, at int) {
	p, s := &c.posted[at], &c.seen[i]
	c.problem("seen[%d], %v, is not what was published on %q: type %q and data %s were, type %s and data %s were seen",
		i, s, c.stream, p.kind(), excerpt(p.data), orSame(s.Type), orSame(s.Data))
	c.verdict.Changed = append(c.verdict.Changed, control.Changed{
		ID: idOf(s.ID), Published: p.published(), Seen: control.Published{ID: s.ID, Type: s.Type, Data: idOf(s.Data)},
	})
}

func orSame(s *string) string {
	if s == nil {
		return "(not said)"
	}
	return excerpt(*s)
}

func idOf(id *string) string {
	if id == nil {
		return ""
	}
	return *id
}

// complete looks for what was not seen: from the first that was seen on, or from the
// first published.
func (c *comparison) complete(all bool) {
	known := slices.DeleteFunc(slices.Clone(c.places), func(at int) bool { return at < 0 })
	switch {
	case all && c.unknown > 0:
		c.problem("the first %d events of %q are forgotten, so nobody can say whether they were seen", c.unknown, c.stream)
	case len(known) == 0 && len(c.posted) == 0:
		if all || len(c.seen) == 0 {
			c.problem("nothing was published on %q, so there is nothing to be seen", c.stream)
		}
		return
	}
	next := 0
	if !all && len(known) > 0 {
		next = known[0]
	}
	for i, at := range c.places {
		if at < next {
			continue
		}
		c.missing(c.posted[next:at], fmt.Sprintf("before seen[%d]", i))
		next = at + 1
	}
	if len(c.seen) > 0 {
		c.missing(c.posted[next:], "at the end")
	}
}

// missing names the first and the last of events that are missing.
func (c *comparison) missing(ps []posting, where string) {
	if len(ps) == 0 {
		return
	}
	for i := range ps {
		c.verdict.Missing = append(c.verdict.Missing, ps[i].id)
	}
	c.problem("%d events of %q are missing %s: %v to %v", len(ps), c.stream, where, &ps[0], &ps[len(ps)-1])
}

// once looks for what was seen again, or too late.
func (c *comparison) once() {
	next := 0
	for i, at := range c.places {
		if at >= 0 && at < next {
			c.verdict.Repeated = append(c.verdict.Repeated, idOf(c.seen[i].ID))
			c.problem("seen[%d], %v, is a repeat on %q, or comes too late", i, &c.seen[i], c.stream)
		}
		next = max(next, at+1)
	}
}
