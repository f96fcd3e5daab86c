package client

import "github.com/OneStepAt4time/resilient-sse/sse"

// maxWireID is the longest last event ID that is sent, in bytes: servers bound
// the size of a request's header.
const maxWireID = 4 << 10

// position is where a stream is: the last event ID, and the last one that a
// header can carry, which stands in for it on the wire.
type position struct {
	id   []byte
	wire []byte
	run  string // of the server's counter that wire belongs to
}

// set moves the position to an id of a run, and tells whether it did. Named says
// that an event had the id: an equal id of another run is another position then,
// and else it is still the old one. It keeps a copy: an id is part of an event's
// allocation.
func (p *position) set(id, run string, named bool) bool {
	if string(p.id) == id && (!named || p.run == run) {
		return false
	}
	p.id = append(p.id[:0], id...)
	if id == "" || carriable(id) {
		p.wire, p.run = append(p.wire[:0], id...), run
	}
	return true
}

// header returns the value for the Last-Event-ID header, "" for none. It is
// older than the position if that can't be sent: the events between are repeats
// then, rather than lost.
func (p *position) header() string { return string(p.wire) }

// unsendable tells whether there is a position and nothing to send for it.
func (p *position) unsendable() bool { return len(p.id) > 0 && len(p.wire) == 0 }

// kept is what a cursor keeps: what the next process can send.
func (p *position) kept() Position {
	if p.unsendable() {
		return Position{string(p.id), p.run}
	}
	return Position{p.header(), p.run}
}

// carriable tells whether an id survives in a header field: no control
// characters, no blanks at the edges (they are trimmed on the way), and not too
// long. Other bytes are sent raw, as the standard's UTF-8 encode says.
func carriable(id string) bool {
	if len(id) > maxWireID || isBlank(id[0]) || isBlank(id[len(id)-1]) {
		return false
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] == 0x7F {
			return false
		}
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// commit takes note that the body is done with the current event.
func (r *run) commit() {
	if r.committed {
		return
	}
	if r.repeats != nil && hasOwnID(r.current) {
		r.repeats.add(r.sum)
	}
	r.move(r.current.ID, r.current.HasID)
	r.current, r.committed = sse.Event{}, true
	if r.opts.SaveEach {
		r.save()
	}
}

// move sets the position, see [position.set].
func (r *run) move(id string, named bool) {
	r.mu.Lock()
	moved := r.pos.set(id, r.serverRun, named)
	r.mu.Unlock()
	if moved {
		r.cursor.dirty, r.unsent = true, false
	}
}
