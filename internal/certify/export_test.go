package certify

// Know makes a client one that was measured already, and whose failures are not
// repeated.
func (c *Client) Know(b Bounds) { c.bounds, c.known = b, true }

// Once has a failure count at once.
func (c *Client) Once() { c.once = true }
