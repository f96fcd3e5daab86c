package status

import (
	"strconv"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// settle is how long a stream that is open again may be silent before what it has
// brought counts as all that was waiting.
const settle = 150 * time.Millisecond

// A comeback is what is known of a stream that is open again.
type comeback struct {
	at      time.Time // when it was; zero once that was said
	after   string    // the position that it asked behind; empty for none
	retries int       // it took
	events  int       // since
	repeats int       // of them, those that had come before
	backTo  string    // the id of the first one, where that is a number not above the position
	gap     bool      // the client has told one
}

// note takes note of an event, given those before the cut.
func (c *comeback) note(ev sse.Event, seen *recent) {
	c.events++
	if seen.has(ev) {
		c.repeats++
		return
	}
	if c.events > 1 || !ev.HasID {
		return
	}
	asked, err1 := strconv.ParseInt(c.after, 10, 64)
	got, err2 := strconv.ParseInt(ev.ID, 10, 64)
	if err1 == nil && err2 == nil && got <= asked {
		c.backTo = termsafe.Cut(termsafe.Line(ev.ID), 40)
	}
}

func (st *Stream) settleAfter(d time.Duration) {
	if st.settling == nil {
		st.settling = time.AfterFunc(d, func() {
			st.s.mu.Lock()
			defer st.s.mu.Unlock()
			if !st.s.closed && st.state == client.Open {
				st.settle()
			}
		})
		return
	}
	st.settling.Reset(d)
}

// settle says that the stream is back, once, and of what came meanwhile no more
// than is known.
func (st *Stream) settle() {
	c := st.back
	if c.at.IsZero() {
		return
	}
	took := " after " + explain.Duration(c.at.Sub(st.lost)) + " and " + explain.Count(max(c.retries, 1), "retry")
	word, rest := "connected again", took
	switch {
	case c.gap, st.aside:
	case c.repeats > 0:
		rest += "; the server sends events again, " + strconv.Itoa(c.repeats) + " so far"
	case c.backTo != "":
		st.unknown++
		rest += "; the server begins again at event " + c.backTo + ": it sends events again, or counts anew"
	case c.after != "":
		word, rest = "resumed", took+", behind event "+termsafe.Cut(termsafe.Line(c.after), 40)
		if c.events > 0 {
			rest += ", caught up with " + explain.Count(c.events, "event")
		}
	case st.ids || st.events == 0:
		st.unknown++
		rest += "; what came in between is not known"
	case !st.noIDs:
		st.unknown++
		st.noIDs = true
		rest += "; this stream has no ids, so what came in between is not known"
	default:
		st.unknown++
	}
	st.back, st.lost, st.cause = comeback{}, time.Time{}, ""
	st.Say(console.Green, word, rest)
}

// recent are the newest events, so that those that come again are known. Large ones
// are not kept.
type recent struct {
	list [16]sse.Event
	n    int
}

const maxRecent = 4 << 10 // bytes of data

func (r *recent) add(ev sse.Event) {
	if len(ev.Data) <= maxRecent {
		r.list[r.n%len(r.list)] = ev
		r.n++
	}
}

// has tells whether an event came before. Without an id it can't be told from
// another one that says the same.
func (r *recent) has(ev sse.Event) bool {
	if !ev.HasID {
		return false
	}
	for i := range min(r.n, len(r.list)) {
		if old := &r.list[i]; old.HasID && old.ID == ev.ID && old.Type == ev.Type && old.Data == ev.Data {
			return true
		}
	}
	return false
}
