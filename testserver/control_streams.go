package testserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func getStats(s *Server, _ *http.Request, _ []byte) (any, error) { return s.Stats(), nil }

// A streamInfo is a session or a plain stream in JSON.
type streamInfo struct {
	Name        string    `json:"name"`
	URL         string    `json:"url"`
	Created     time.Time `json:"created,omitzero"`
	Ended       bool      `json:"ended,omitempty"`
	Kept        int       `json:"kept"`             // events
	Newest      string    `json:"newest,omitempty"` // the id of the newest event
	Connections int       `json:"connections"`
}

// info describes a log. The caller holds the lock.
func (l *eventLog) info(url string) streamInfo {
	i := streamInfo{Name: l.label, URL: url, Kept: len(l.frames), Connections: len(l.readers)}
	if m := l.before(l.end()); m != nil {
		i.Newest = m.name
	}
	return i
}

func getSessions(s *Server, _ *http.Request, _ []byte) (any, error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	infos := make([]streamInfo, 0, len(h.sessions))
	for _, name := range slices.Sorted(maps.Keys(h.sessions)) {
		infos = append(infos, h.sessions[name].info())
	}
	return infos, nil
}

// info describes a session. The caller holds the lock.
func (s *Session) info() streamInfo {
	i := s.log.info(s.url)
	i.Created, i.Ended = s.created, s.ended
	return i
}

type nameRequest struct {
	Name string `json:"name"`
}

func postSession(s *Server, _ *http.Request, req nameRequest) (any, error) {
	if err := checkName("name", req.Name); err != nil {
		return nil, err
	}
	ses := s.Session(req.Name)
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return created{ses.info()}, nil
}

type endRequest struct {
	Reason string `json:"reason"`
}

func endSession(s *Server, r *http.Request, req endRequest) (any, error) {
	ses, err := named(s.hub, s.hub.sessions, r, "session")
	if err != nil {
		return nil, err
	}
	return published{[]string{strconv.FormatInt(ses.Ended(req.Reason), 10)}}, nil
}

func getStreams(s *Server, _ *http.Request, _ []byte) (any, error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	infos := make([]streamInfo, 0, len(h.streams))
	for _, name := range slices.Sorted(maps.Keys(h.streams)) {
		infos = append(infos, h.streams[name].log.info(s.StreamURL(name)))
	}
	return infos, nil
}

func postStream(s *Server, _ *http.Request, req nameRequest) (any, error) {
	st := s.Stream(req.Name)
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return created{st.log.info(s.StreamURL(req.Name))}, nil
}

func endStream(s *Server, r *http.Request, _ []byte) (any, error) {
	st, err := named(s.hub, s.hub.streams, r, "stream")
	if err != nil {
		return nil, err
	}
	st.End()
	return struct{}{}, nil
}

// named finds what the path of a request names.
func named[T any](h *hub, all map[string]*T, r *http.Request, what string) (*T, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := r.PathValue("name")
	if all[name] == nil {
		return nil, notFound("no %s %q", what, name)
	}
	return all[name], nil
}

// A publication is an event to publish, on a session or on a plain stream.
type publication struct {
	Session *string         `json:"session"`
	Stream  *string         `json:"stream"`
	Event   string          `json:"event"` // the kind; on a plain stream the SSE event type
	Data    json.RawMessage `json:"data"`  // any JSON; on a plain stream a string is taken as it is
	ID      *string         `json:"id"`    // on a plain stream
	Retry   duration        `json:"retry"` // on a plain stream
	Times   int             `json:"times"` // 1
}

// published are the ids of events, in their order; "" for one without.
type published struct {
	IDs []string `json:"ids"`
}

// maxTimes bounds how often one request publishes one event.
const maxTimes = 100_000

// publish takes one publication or an array of them, all or none of which is
// published.
func publish(s *Server, _ *http.Request, body []byte) (any, error) {
	pubs, err := oneOrMany[publication](body)
	if err != nil {
		return nil, err
	}
	for i := range pubs {
		if err := pubs[i].check(); err != nil {
			return nil, inItem(err, body, i)
		}
	}
	done := published{IDs: []string{}}
	for i := range pubs {
		for range max(pubs[i].Times, 1) {
			done.IDs = append(done.IDs, s.publish(&pubs[i]))
		}
	}
	return done, nil
}

// oneOrMany decodes an object, or an array of objects.
func oneOrMany[T any](body []byte) (items []T, err error) {
	if isArray(body) {
		err = decodeStrict(body, &items)
		return items, err
	}
	items = make([]T, 1)
	return items, decodeStrict(body, &items[0])
}

// inItem says in which item of an array a member is bad.
func inItem(err error, body []byte, i int) error {
	if e, ok := errors.AsType[*FieldError](err); ok && isArray(body) {
		return badField(strings.TrimSuffix(fmt.Sprintf("[%d].%s", i, e.Field), "."), "%s", e.Reason)
	}
	return err
}

func isArray(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) }

func (p *publication) check() error {
	switch {
	case (p.Session == nil) == (p.Stream == nil):
		return badField("session", "must be there, or stream, and not both")
	case p.Session != nil && p.ID != nil:
		return badField("id", "the server gives a session's events their ids")
	case p.Session != nil && p.Retry != 0:
		return badField("retry", "not for a session")
	case p.Session != nil && p.Event == "":
		return badField("event", "must be there for a session")
	case p.Retry < 0:
		return badField("retry", "is negative")
	case p.Times < 0 || p.Times > maxTimes:
		return badField("times", "%d is not in 1 to %d", p.Times, maxTimes)
	}
	if p.Stream != nil {
		if _, err := p.plain().AppendText(nil); err != nil {
			return badEvent(err)
		}
		return nil
	}
	return checkName("session", *p.Session)
}

// checkName refuses a session id that no path can hold.
func checkName(field, name string) error {
	if err := session.CheckID(name); err != nil {
		return badField(field, "%s", strings.TrimPrefix(err.Error(), "session: "))
	}
	return nil
}

// badEvent says which member it is that the format can't carry.
func badEvent(err error) error {
	if e, ok := errors.AsType[*sse.FieldError](err); ok {
		return badField(e.Field, "%s", e.Reason) // the names are the same
	}
	return err
}

// plain returns the event for a plain stream.
func (p *publication) plain() sse.Event {
	ev := sse.Event{Type: p.Event, Retry: time.Duration(p.Retry), Data: string(p.Data)}
	if p.ID != nil {
		ev.ID, ev.HasID = *p.ID, true
	}
	var text string
	if json.Unmarshal(p.Data, &text) == nil {
		ev.Data = text
	}
	return ev
}

// publish publishes one event that was checked, and creates its session or stream.
func (s *Server) publish(p *publication) (id string) {
	if p.Stream == nil {
		num := s.Session(*p.Session).Emit(session.Kind(p.Event), p.Data)
		return strconv.FormatInt(num, 10)
	}
	ev := p.plain()
	s.Stream(*p.Stream).Send(ev)
	return ev.ID
}
