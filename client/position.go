package client

// maxWireID is the longest last event ID that is sent, in bytes: servers bound
// the size of a request's header.
const maxWireID = 4 << 10

// position is where a stream is: the last event ID, and the last one that a
// header can carry, which stands in for it on the wire.
type position struct {
	id   []byte
	wire []byte
}

// set moves the position, and tells whether it did. It keeps a copy: an id is
// part of an event's allocation.
func (p *position) set(id string) bool {
	if string(p.id) == id {
		return false
	}
	p.id = append(p.id[:0], id...)
	if id == "" || carriable(id) {
		p.wire = append(p.wire[:0], id...)
	}
	return true
}

// header returns the value for the Last-Event-ID header, "" for none. It is
// older than the position if that can't be sent: the events between are repeats
// then, rather than lost.
func (p *position) header() string { return string(p.wire) }

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
