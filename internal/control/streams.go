package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/strict"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func getStats(a *api, r *http.Request, _ []byte) (any, error) {
	return a.server.Stats(), checkQuery(r)
}

func getSessions(a *api, r *http.Request, _ []byte) (any, error) {
	return list(a.server.Sessions()), checkQuery(r)
}

func getStreams(a *api, r *http.Request, _ []byte) (any, error) {
	return list(a.server.Streams()), checkQuery(r)
}

// list is an array in JSON, also where there is nothing.
func list[T any](items []T) []T { return append([]T{}, items...) }

type nameRequest struct {
	Name string `json:"name"`
}

func postSession(a *api, _ *http.Request, req nameRequest) (any, error) {
	if err := checkName("name", req.Name); err != nil {
		return nil, err
	}
	s, err := a.server.CreateSession(req.Name)
	return created{s}, asField("name", err)
}

func postStream(a *api, _ *http.Request, req nameRequest) (any, error) {
	s, err := a.server.CreateStream(req.Name)
	return created{s}, asField("name", err)
}

// asField says which member an error is about.
func asField(field string, err error) error {
	if err == nil {
		return nil
	}
	return badField(field, "%s", withoutPrefix(err))
}

// withoutPrefix leaves the name of the package away, which a caller in another
// language does not know.
func withoutPrefix(err error) string {
	text := err.Error()
	for _, prefix := range []string{"testserver: ", "server: ", "hub: ", "session: ", "sse: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

type endRequest struct {
	Reason string `json:"reason"`
}

func endSession(a *api, r *http.Request, req endRequest) (any, error) {
	name := r.PathValue("name")
	id, ok := a.server.EndSession(name, req.Reason)
	if !ok {
		return nil, notFound("no session %q that has not ended", name)
	}
	return published{[]string{strconv.FormatInt(id, 10)}}, nil
}

func endStream(a *api, r *http.Request, _ struct{}) (any, error) {
	if name := r.PathValue("name"); !a.server.EndStream(name) {
		return nil, notFound("no stream %q that has not ended", name)
	}
	return struct{}{}, nil
}

// history is what a stream has published.
type history struct {
	Events   []Published `json:"events"`
	Complete bool        `json:"complete"` // none is forgotten
}

func getEvents(a *api, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r); err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	events, complete := a.server.Published(name)
	if len(events) == 0 && !a.server.Knows(name) {
		return nil, notFound("no stream %q", name)
	}
	return history{list(events), complete}, nil
}

// A publication is an event to publish, on a session or on a plain stream.
type publication struct {
	Session *string         `json:"session"`
	Stream  *string         `json:"stream"`
	Event   string          `json:"event"` // the kind; on a plain stream the SSE event type
	Data    json.RawMessage `json:"data"`  // any JSON; on a plain stream a string is taken as it is
	ID      *string         `json:"id"`    // on a plain stream
	Retry   duration        `json:"retry"` // on a plain stream
	Times   *int            `json:"times"` // 1
}

// published are the ids of events, in their order; "" for one without.
type published struct {
	IDs []string `json:"ids"`
}

// How often one request publishes, all its events together.
const maxTimes = 100_000

// publish takes one publication or an array of them. All are checked before the first
// is published; it stops when the caller has left.
func publish(a *api, r *http.Request, body []byte) (any, error) {
	pubs, err := oneOrMany[publication](body)
	if err != nil {
		return nil, err
	}
	total := 0
	for i := range pubs {
		if err := pubs[i].check(); err != nil {
			return nil, inItem(err, body, i)
		}
		if total += pubs[i].times(); total > maxTimes {
			return nil, inItem(badField("times", "more than %d events in one request", maxTimes), body, i)
		}
	}
	done := published{IDs: []string{}}
	for i := range pubs {
		for range pubs[i].times() {
			if r.Context().Err() != nil {
				return done, nil
			}
			id, err := a.publish(&pubs[i])
			if err != nil {
				return nil, inItem(asField(pubs[i].where(), err), body, i)
			}
			done.IDs = append(done.IDs, id)
		}
	}
	return done, nil
}

// oneOrMany decodes an object, or an array of objects.
func oneOrMany[T any](body []byte) (items []T, err error) {
	if isArray(body) {
		err = strict.Decode(body, &items)
		return items, err
	}
	items = make([]T, 1)
	return items, strict.Decode(body, &items[0])
}

// inItem says in which item of an array a member is bad.
func inItem(err error, body []byte, i int) error {
	if e, ok := errors.AsType[*fault.FieldError](err); ok && isArray(body) {
		return badField(strings.TrimSuffix(fmt.Sprintf("[%d].%s", i, e.Field), "."), "%s", e.Reason)
	}
	return err
}

func isArray(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) }

func (p *publication) times() int {
	if p.Times == nil {
		return 1
	}
	return *p.Times
}

// where is the member that says on what it is published.
func (p *publication) where() string {
	if p.Stream != nil {
		return "stream"
	}
	return "session"
}

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
	case p.times() < 0:
		return badField("times", "%d is negative", p.times())
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
func checkName(field, name string) error { return asField(field, session.CheckID(name)) }

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
		ev.Data = text // also for null, which is no data
	}
	return ev
}

// publish publishes one event that was checked.
func (a *api) publish(p *publication) (id string, err error) {
	if p.Stream == nil {
		num, err := a.server.EmitTo(*p.Session, p.Event, p.Data)
		return strconv.FormatInt(num, 10), err
	}
	ev := p.plain()
	return ev.ID, a.server.SendTo(*p.Stream, ev)
}

type writeRequest struct {
	Stream string `json:"stream"` // "" is all
	Text   string `json:"text"`
	Base64 []byte `json:"base64"` // for bytes that are not UTF-8
}

type written struct {
	Connections int `json:"connections"`
}

func write(a *api, _ *http.Request, req writeRequest) (any, error) {
	if (req.Text == "") == (len(req.Base64) == 0) {
		return nil, badField("text", "must be there, or base64, and not both")
	}
	if err := a.checkStream(req.Stream); err != nil {
		return nil, err
	}
	return written{a.server.Write(req.Stream, append([]byte(req.Text), req.Base64...))}, nil
}

// checkStream refuses a stream that there is not; "" is none.
func (a *api) checkStream(name string) error {
	if name != "" && !a.server.Knows(name) {
		return notFound("no stream %q", name)
	}
	return nil
}

// A assertRequest is what a client claims to have seen.
type assertRequest struct {
	Stream string `json:"stream"`
	Seen   []seen `json:"seen"`
	All    bool   `json:"all"`
}

// A seen is an id, or an object of it.
type seen struct {
	ID   *string `json:"id"`
	Type *string `json:"event"`
	Data *string `json:"data"`
}

// UnmarshalJSON takes both forms.
func (s *seen) UnmarshalJSON(b []byte) error {
	var id string
	if json.Unmarshal(b, &id) == nil {
		s.ID = &id
		return nil
	}
	type object seen
	return strict.Decode(b, (*object)(s))
}

// Wants says what it takes.
func (seen) Wants() string { return "an id, or an object with id, event and data" }

func assert(a *api, _ *http.Request, req assertRequest) (any, error) {
	if req.Stream == "" {
		return nil, badField("stream", "must be there")
	}
	q := Question{Stream: req.Stream, All: req.All}
	for _, s := range req.Seen {
		q.Seen = append(q.Seen, Seen(s))
	}
	return a.server.Assert(q), nil
}
