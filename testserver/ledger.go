package testserver

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A ledger remembers what was published on each stream, also what the logs have
// let go. Only servers of tests have one.
type ledger struct {
	seed    maphash.Seed
	streams map[string][]posting // by label
}

// A posting is one event that was published: its id, and its type and data as a
// hash.
type posting struct {
	id   string
	hash uint64
}

func newLedger() *ledger {
	return &ledger{seed: maphash.MakeSeed(), streams: make(map[string][]posting)}
}

// post enters an event.
func (l *ledger) post(stream string, p posting) {
	l.streams[stream] = append(l.streams[stream], p)
}

// ofFrame returns what identifies the event of a session frame.
func (l *ledger) ofFrame(num int64, frame []byte) posting {
	_, data, _ := bytes.Cut(frame, []byte("data: "))
	data = bytes.TrimSuffix(data, []byte("\n\n"))
	return posting{strconv.FormatInt(num, 10), l.hash("", func(h *maphash.Hash) { h.Write(data) })}
}

var toLF = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// of returns what identifies an event, alike for one to be encoded and for the same
// decoded.
func (l *ledger) of(ev sse.Event) posting {
	if strings.Contains(ev.Data, "\r") {
		ev.Data = toLF.Replace(ev.Data)
	}
	if ev.Type == sse.DefaultType {
		ev.Type = ""
	}
	p := posting{hash: l.hash(ev.Type, func(h *maphash.Hash) { h.WriteString(ev.Data) })}
	if ev.HasID {
		p.id = ev.ID
	}
	return p
}

func (l *ledger) hash(typ string, data func(*maphash.Hash)) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	h.WriteString(typ)
	h.WriteByte('\n') // which no type has
	data(&h)
	return h.Sum64()
}

// AssertNoGap fails the test unless a client saw each event that was published on
// the stream from the first that it saw on to the newest, in their order, and with
// the same bytes of data. Repeats are no gaps; control frames are left aside. The
// stream is a session's id, a plain stream's name, or [Global]; sessions that
// followed each other under one id are one stream.
//
// It is for servers that [New] and [NewInMemory] made. A client that is still
// reading may not have seen all yet: wait for the last event first.
func (s *Server) AssertNoGap(tb TB, stream string, seen ...sse.Event) {
	tb.Helper()
	posted, got := s.compare(tb, stream, seen)
	if len(got) == 0 {
		if len(posted) > 0 {
			tb.Errorf("testserver: %d events were published on %q, and none was seen", len(posted), stream)
		}
		return
	}
	next := max(0, indexFrom(posted, 0, got[0]))
	for i, p := range got {
		at := indexFrom(posted, next, p)
		switch {
		case at >= 0:
			reportGap(tb, stream, posted[next:at], i)
			next = at + 1
		case indexFrom(posted, 0, p) < 0:
			tb.Errorf("testserver: seen[%d], %s, was never published on %q", i, p, stream)
		}
	}
	reportGap(tb, stream, posted[next:], len(got))
}

// AssertNoRepeat fails the test if a client saw an event of the stream again, or
// after one that was published later. Gaps are no repeats. For the rest see
// [Server.AssertNoGap].
func (s *Server) AssertNoRepeat(tb TB, stream string, seen ...sse.Event) {
	tb.Helper()
	posted, got := s.compare(tb, stream, seen)
	next := 0
	for i, p := range got {
		at := indexFrom(posted, next, p)
		switch {
		case at >= 0:
			next = at + 1
		case indexFrom(posted, 0, p) >= 0:
			tb.Errorf("testserver: seen[%d], %s, is a repeat on %q, or comes too late", i, p, stream)
		default:
			tb.Errorf("testserver: seen[%d], %s, was never published on %q", i, p, stream)
		}
	}
}

// compare returns what was published and what was seen, in comparable form.
func (s *Server) compare(tb TB, stream string, seen []sse.Event) (posted, got []posting) {
	tb.Helper()
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ledger == nil {
		tb.Fatalf("testserver: a server of Start does not remember what was published")
		return nil, nil
	}
	for _, ev := range seen {
		if !session.IsControl(ev) {
			got = append(got, h.ledger.of(ev))
		}
	}
	return h.ledger.streams[stream], got
}

// indexFrom returns where a posting is, from a place on; -1 if it is not there.
func indexFrom(posted []posting, from int, p posting) int {
	for i := from; i < len(posted); i++ {
		if posted[i] == p {
			return i
		}
	}
	return -1
}

// reportGap names the first and the last of events that are missing.
func reportGap(tb TB, stream string, missing []posting, before int) {
	tb.Helper()
	if n := len(missing); n > 0 {
		tb.Errorf("testserver: %d events of %q are missing before seen[%d]: %s to %s", n, stream, before, missing[0], missing[n-1])
	}
}

func (p posting) String() string {
	if p.id == "" {
		return fmt.Sprintf("event without id (%016x)", p.hash)
	}
	return "event " + strconv.Quote(p.id)
}
