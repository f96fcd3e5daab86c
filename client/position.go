package client

// maxWireID is the longest last event ID that is sent, in bytes: servers bound
// the size of a request's header.
const maxWireID = 4 << 10

// position is where a stream is: the last event ID, and the last one that a
// header can carry, which stands in for it on the wire.
type position struct {
	id   []byte
	wire []byte
	run  string // of the server's counter that wire belongs to
	at   stamp  // when the event was emitted that id belongs to; zero if it does not say
}

// set moves the position to an id of a run, and tells whether it did. Named says
// that an event had the id: an equal id of another run is another position then,
// and else it is still the old one. It keeps a copy: an id is part of an event's
// allocation.
func (p *position) set(id, run string, named bool, at stamp) bool {
	if string(p.id) == id && (!named || p.run == run && p.at == at) {
		return false
	}
	p.id, p.at = append(p.id[:0], id...), at
	if id == "" || carriable(id) {
		p.wire, p.run = append(p.wire[:0], id...), run
	}
	return true
}

// copyFrom moves the position to where another one is, and tells whether it did.
func (p *position) copyFrom(q *position) bool {
	if string(p.id) == string(q.id) && string(p.wire) == string(q.wire) && p.run == q.run && p.at == q.at {
		return false
	}
	p.id, p.wire, p.run, p.at = append(p.id[:0], q.id...), append(p.wire[:0], q.wire...), q.run, q.at
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
		return Position{string(p.id), p.run, p.at.time()}
	}
	return Position{p.header(), p.run, p.at.time()}
}

// carriable tells whether an id survives in a header field: no control
// characters, not too long, and not all blank. Blanks at its edges are trimmed on
// the way, and other bytes are sent raw, as the standard's UTF-8 encode says.
func carriable(id string) bool {
	blank := true
	for i := range len(id) {
		if id[i] < ' ' && id[i] != '\t' || id[i] == 0x7F {
			return false
		}
		blank = blank && (id[i] == ' ' || id[i] == '\t')
	}
	return !blank && len(id) <= maxWireID
}
