package fault

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// An Answer is a response in place of the stream.
type Answer struct {
	Kind     string
	Status   int         // 0: none; the connection ends without a response
	Header   http.Header // over what the server sends anyway; a key without values takes one away
	Location string      // a URL, or one of the places for [Redirect]; "" if it is no redirect
	Body     string
	Empty    bool // it has the header of the stream that it replaces
}

// Answer lets a fault delay the response, and another one answer in place of the
// stream; nil if none does. It waits while one withholds the answer, until that fault
// is removed or the context is done.
func (c *Conn) Answer(ctx context.Context) *Answer {
	if a := c.take(stageDelay, nil); a != nil && a.wait(ctx, a.fault.spec.For.value()) != nil {
		return &Answer{Kind: a.kind.name}
	}
	for {
		a := c.take(stageInstead, nil)
		if a == nil {
			return nil
		}
		answer := a.kind.answer(&a.fault.spec)
		answer.Kind = a.kind.name
		if answer.Status != 0 || a.wait(ctx, -1) != nil {
			return answer
		}
	}
}

func answerNever(*spec) *Answer { return &Answer{} }

func answerStatus(s *spec) *Answer {
	answer := &Answer{Status: *s.Status, Header: s.header()}
	if s.ContentType != nil {
		answer.Header["Content-Type"] = list(*s.ContentType)
	}
	if s.Body != nil {
		answer.Body = *s.Body
	}
	return answer
}

func answerRedirect(s *spec) *Answer {
	answer := &Answer{Status: http.StatusTemporaryRedirect, Header: s.header(), Location: *s.Location}
	if s.Status != nil {
		answer.Status = *s.Status
	}
	return answer
}

func answerEmpty(s *spec) *Answer {
	return &Answer{Status: http.StatusOK, Header: s.header(), Empty: true}
}

// header returns what a fault puts into a response's header.
func (s *spec) header() http.Header {
	header := make(http.Header)
	if s.RetryAfter != nil {
		seconds := (s.RetryAfter.value() + time.Second - 1) / time.Second
		header.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if s.RetryAfterDate != nil {
		at := time.Now().Add(s.RetryAfterDate.value() + time.Second - 1).Truncate(time.Second)
		header.Set("Retry-After", at.UTC().Format(http.TimeFormat))
	}
	for key, value := range s.SetHeader {
		header[http.CanonicalHeaderKey(key)] = list(value)
	}
	return header
}

// list returns the values of a header; none for an empty one.
func list(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// An Opening is a stream about to start, as faults may change it.
type Opening struct {
	LastEventID string // that the client asks for
	Resumes     bool   // the event with that id is still there

	Inclusive bool        // the replay begins with that event
	Restart   bool        // the server's counter begins again first, with all logs empty
	Lose      bool        // the stream's events are forgotten first
	Header    http.Header // over the stream's own; a key without values takes one away
}

// Open lets faults change how the stream starts.
func (c *Conn) Open(o *Opening) {
	if o.Header == nil {
		o.Header = make(http.Header)
	}
	for a := c.take(stageHead, o); a != nil; a = c.take(stageHead, o) {
		a.kind.head(o, &a.fault.spec)
	}
	c.admit()
	c.keepOneEach()
	for a := c.take(stageShape, o); a != nil; a = c.take(stageShape, o) {
		if a.kind.head != nil {
			a.kind.head(o, &a.fault.spec)
		}
		if a.kind.pace != nil {
			c.slow(a)
			continue
		}
		c.shapes = append(c.shapes, a)
	}
	slices.SortStableFunc(c.shapes, func(a, b *armed) int {
		return slices.Index(table, a.kind) - slices.Index(table, b.kind)
	})
}

// slow lets a fault say how fast the body goes.
func (c *Conn) slow(a *armed) {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	a.kind.pace(c, a)
	c.busy.Store(true)
}

func paceDrip(c *Conn, a *armed) { c.drip = &dripping{armed: a} }

func paceLatency(c *Conn, a *armed) { c.lag = &lag{armed: a} }

// admit lets faults of the body reach the connection from now on, also those that were
// added while it waited for its response.
func (c *Conn) admit() {
	s := c.set
	s.mu.Lock()
	defer s.mu.Unlock()
	c.admitted = true
	for _, p := range s.planted {
		if p.number <= c.known || p.kind.stage != stageBody || p.fault.spec.Conn != nil {
			continue
		}
		if a := s.meets(p, &c.req); a != nil {
			c.arm(a)
		}
	}
}

// keepOneEach lets one fault of each shape act: a second one can do nothing.
func (c *Conn) keepOneEach() {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	seen := make(map[*kind]bool)
	c.before = slices.DeleteFunc(c.before, func(a *armed) bool {
		again := a.kind.stage == stageShape && a.left != 0 && seen[a.kind]
		seen[a.kind] = true
		return again
	})
}

func headType(o *Opening, s *spec) {
	o.Header["Content-Type"] = nil
	if s.ContentType != nil {
		o.Header["Content-Type"] = list(*s.ContentType)
	}
	headHeader(o, s)
}

func headHeader(o *Opening, s *spec) {
	maps.Copy(o.Header, s.header())
}

func asksForAny(o *Opening) bool { return o.LastEventID != "" }

func resumes(o *Opening) bool { return o.Resumes && o.LastEventID != "" }

func headIgnore(o *Opening, _ *spec) { o.LastEventID, o.Resumes, o.Inclusive = "", false, false }

func headInclusive(o *Opening, _ *spec) { o.Inclusive = true }

func headRestart(o *Opening, _ *spec) { o.Restart, o.Resumes, o.Inclusive = true, false, false }

func headLose(o *Opening, _ *spec) { o.Lose, o.Resumes, o.Inclusive = true, false, false }

func headGzip(o *Opening, _ *spec) { o.Header.Set("Content-Encoding", "gzip") }
