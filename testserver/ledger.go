package testserver

import (
	"bytes"
	"encoding/json"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A record is what one stream has published, also what its logs have let go, and also
// of sessions that followed each other under one id.
type record struct {
	postings  []posting        // the newest ones, oldest first
	forgotten int              // postings before these
	byID      map[string]int   // where the newest of an id is, counted with the forgotten ones
	tracks    map[int64]*track // where events of the hub's logs are here, by their numbers
	got       spans            // places that some connection got as a whole
	open      int              // streams under way
}

// A track leads from places in one of the hub's logs to places in a record: from a place
// on they are so far apart, until the next step.
type track []struct {
	from  uint64
	apart int
}

// track returns that of a log.
func (r *record) track(log int64) *track {
	t := r.tracks[log]
	if t == nil {
		t = new(track)
		r.tracks[log] = t
	}
	return t
}

// note says where the event at a place of the log is.
func (t *track) note(place uint64, here int) {
	apart := here - int(place)
	if n := len(*t); n == 0 || (*t)[n-1].apart != apart {
		*t = append(*t, struct {
			from  uint64
			apart int
		}{place, apart})
	}
}

// each calls f for each range of places in the record that events of the log have, in
// their order.
func (t *track) each(first, last uint64, f func(from, to int)) {
	for i, step := range *t {
		from, to := max(first, step.from), last
		if i+1 < len(*t) {
			to = min(to, (*t)[i+1].from-1)
		}
		if from <= to {
			f(int(from)+step.apart, int(to)+step.apart+1)
		}
	}
}

// end is the place of the next posting.
func (r *record) end() int { return r.forgotten + len(r.postings) }

// at returns the posting of a place that is not forgotten.
func (r *record) at(place int) posting { return r.postings[place-r.forgotten] }

// delivered tells whether the newest event of an id was written as a whole, to anyone,
// or to one connection.
func (r *record) delivered(id string, got spans) bool {
	place, ok := r.byID[id]
	return ok && got.has(place)
}

// A posting is one event that was published.
type posting struct {
	id    string
	hasID bool
	typ   string // the SSE event type; "" is a message
	data  string
}

// A ledger bounds what all records together keep.
type ledger struct {
	max    int
	size   int
	oldest []*record // whose posting is the oldest, and so on
}

// cost is what a posting counts for.
func (p *posting) cost() int { return 128 + len(p.id) + len(p.typ) + len(p.data) }

// post enters an event, and forgets old ones that are too many.
func (l *ledger) post(r *record, ev hub.Event) {
	p := parsePosting(ev)
	r.track(ev.Log).note(ev.Place, r.end())
	if p.hasID {
		r.byID[p.id] = r.end()
	}
	r.postings = append(r.postings, p)
	l.oldest = append(l.oldest, r)
	for l.size += p.cost(); l.size > l.max && len(l.oldest) > 1; {
		l.forget(l.oldest[0])
		l.oldest = l.oldest[1:]
	}
}

// forget lets the oldest posting of a record go.
func (l *ledger) forget(r *record) {
	p := r.postings[0]
	l.size -= p.cost()
	if p.hasID && r.byID[p.id] == r.forgotten {
		delete(r.byID, p.id)
	}
	r.postings[0] = posting{}
	r.postings = r.postings[1:]
	r.forgotten++
}

// parsePosting reads a frame as a client does.
func parsePosting(ev hub.Event) posting {
	p := posting{id: ev.Name()}
	p.hasID = p.id != ""
	var data []byte
	for line := range bytes.Lines(ev.Bytes) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if rest, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			data = append(append(data, rest...), '\n')
		} else if rest, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			p.typ = string(rest)
		} else if bytes.HasPrefix(line, []byte("id:")) {
			p.hasID = true // also an empty one
		}
	}
	p.data = string(bytes.TrimSuffix(data, []byte("\n")))
	return p
}

// kind returns an event's type as a person knows it: of a session's event the one
// inside its JSON.
func (p *posting) kind() string {
	var envelope struct{ Event string }
	if p.typ == "" && json.Unmarshal([]byte(p.data), &envelope) == nil && envelope.Event != "" {
		return envelope.Event
	}
	if p.typ == "" {
		return sse.DefaultType
	}
	return p.typ
}
