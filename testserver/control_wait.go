package testserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A waitRequest asks for one fact.
type waitRequest struct {
	Connections *int     `json:"connections"` // so many, exactly, on the stream if one is named
	Requests    *int     `json:"requests"`    // so many since the start or the last reset
	Delivered   *string  `json:"delivered"`   // the id of an event of the stream
	Fired       *int     `json:"fired"`       // strikes of the fault
	Fault       int      `json:"fault"`       // its number
	Stream      string   `json:"stream"`
	Timeout     duration `json:"timeout"` // 10 s
}

// How long a wait takes if nothing else is said, and at most.
const (
	defaultWait = 10 * time.Second
	longestWait = 10 * time.Minute
)

func waitFor(s *Server, r *http.Request, req waitRequest) (any, error) {
	what, met, err := req.fact(s.hub)
	if err != nil {
		return nil, err
	}
	if req.Timeout < 0 || time.Duration(req.Timeout) > longestWait {
		return nil, badField("timeout", "is not in 0 to %v", longestWait)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(time.Duration(req.Timeout), defaultWait))
	defer cancel()
	err = s.hub.await(ctx, what, met)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &statusError{http.StatusGatewayTimeout, "timeout waiting for " + what}
	}
	return waited{duration(time.Since(start))}, err
}

type waited struct {
	Waited duration `json:"waited"`
}

// fact returns what is waited for, in words and as a question that is asked with
// the lock held.
func (q *waitRequest) fact(h *hub) (what string, met func() bool, err error) {
	asked := 0
	for _, there := range []bool{q.Connections != nil, q.Requests != nil, q.Delivered != nil, q.Fired != nil} {
		if there {
			asked++
		}
	}
	switch {
	case asked != 1:
		return "", nil, badField("connections", "exactly one of connections, requests, delivered and fired must be there")
	case q.Connections != nil:
		what, met = fmt.Sprintf("%d connections", *q.Connections), func() bool { return h.openOn(q.Stream) == *q.Connections }
	case q.Requests != nil:
		what, met = fmt.Sprintf("%d requests", *q.Requests), func() bool { return h.journal.count >= int64(*q.Requests) }
	case q.Fired != nil:
		return q.firedFact(h)
	default:
		return q.deliveredFact(h)
	}
	return what, met, nil
}

func (q *waitRequest) firedFact(h *hub) (string, func() bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.everPlanted(strconv.Itoa(q.Fault))
	if p == nil {
		return "", nil, badField("fault", "there is no fault %d", q.Fault)
	}
	return fmt.Sprintf("fault %d to strike %d times", q.Fault, *q.Fired), func() bool { return p.fired >= *q.Fired }, nil
}

// deliveredFact takes numbers on a session and on the global stream, and any id on
// a plain one.
func (q *waitRequest) deliveredFact(h *hub) (string, func() bool, error) {
	what := fmt.Sprintf("delivery of %q on %s", *q.Delivered, q.Stream)
	h.mu.Lock()
	defer h.mu.Unlock()
	if st := h.streams[q.Stream]; st != nil && h.numbered(q.Stream) == nil {
		return what, func() bool { return st.log.hasDelivered(*q.Delivered) }, nil
	}
	id, err := strconv.ParseInt(*q.Delivered, 10, 64)
	if err != nil || id <= 0 {
		return "", nil, badField("delivered", "%q is not an id of stream %q", *q.Delivered, q.Stream)
	}
	return what, func() bool { return h.hasDelivered(q.Stream, id) }, nil
}

type restartRequest struct {
	Keep string   `json:"keep"` // logs
	Down duration `json:"down"`
}

var keeps = map[string]Keep{"": KeepLogs, "logs": KeepLogs, "counter": KeepCounter, "nothing": KeepNothing}

func restart(s *Server, _ *http.Request, req restartRequest) (any, error) {
	keep, ok := keeps[req.Keep]
	switch {
	case !ok:
		return nil, badField("keep", "%q is not logs, counter or nothing", req.Keep)
	case req.Down < 0 || time.Duration(req.Down) > longestWait:
		return nil, badField("down", "is not in 0 to %v", longestWait)
	}
	s.Restart(keep, time.Duration(req.Down))
	return s.Stats(), nil
}

func reset(s *Server, _ *http.Request, _ []byte) (any, error) {
	s.Reset()
	return s.Stats(), nil
}
