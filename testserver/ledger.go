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
	postings  []posting      // the newest ones, oldest first
	forgotten int            // postings before these
	byID      map[string]int // where the newest of an id is, counted with the forgotten ones
	offset    int            // from places in the hub's log of the moment to places here
	got       spans          // places that some connection got as a whole
	open      int            // streams under way
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
	r.offset = r.end() - int(ev.Place) + 1 // changes with a new log, of a stream under the same name
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
