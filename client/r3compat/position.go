package sse

import "strings"

// begin returns where a subscription to the stream begins: where the last one to
// it was, unless the caller has set LastEventID since; what is set there; or
// given, of the Last-Event-ID among the headers.
func (c *Client) begin(stream, given string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	set, _ := c.LastEventID.Load().([]byte)
	if same(set, c.ours) {
		if id, ok := c.positions[stream]; ok {
			return id
		}
		set = nil // another stream's
	}
	if given != "" {
		return given
	}
	return string(set)
}

// moved takes note of the caller's new position.
func (s *subscription) moved(id string) {
	if id == s.id {
		return
	}
	s.announce(id)
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.positions == nil {
		c.positions = map[string]string{}
	}
	s.id = strings.Clone(id) // it is part of an event
	c.positions[s.stream] = s.id
}

// announce puts an id into LastEventID: for whoever has received from a channel
// it must be there already. It returns what puts back what was there.
func (s *subscription) announce(id string) (takeBack func()) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	set, _ := c.LastEventID.Load().([]byte)
	if id == s.id || same(set, c.ours) && string(set) == id {
		return func() {}
	}
	before, mine := c.ours, append(make([]byte, 0, len(id)+1), id...) // never without an array, for same
	c.ours = mine
	c.LastEventID.Store(mine)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if now, _ := c.LastEventID.Load().([]byte); same(now, mine) {
			c.ours = before
			c.LastEventID.Store(set)
		}
	}
}

// same tells whether two slices are one, not only equal.
func same(a, b []byte) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0]
}
