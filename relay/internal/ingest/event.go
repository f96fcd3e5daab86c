package ingest

import (
	"encoding/json"

	"github.com/cespare/xxhash/v2"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// ofSession returns what is stored for an event of a session's own stream. A frame
// that is no envelope is stored as it is.
func (in *Ingest) ofSession(id string, ev sse.Event) store.Event {
	e := in.event(store.Key{Kind: store.Session, Name: id}, ev)
	if env, err := session.Parse(ev); err == nil {
		e.Origin.Time = env.Timestamp
	}
	return e
}

// ofGlobal returns what is stored for a session's event that came on the global
// stream: the frame that its own stream would have, but for what the global one leaves
// out.
func (in *Ingest) ofGlobal(env session.Envelope, ev sse.Event) (store.Event, error) {
	env.Kind = env.SessionKind()
	b, err := json.Marshal(env)
	if err != nil {
		return store.Event{}, err
	}
	e := in.event(store.Key{Kind: store.Session, Name: env.SessionID}, ev)
	e.Data, e.Origin.Time, e.Origin.Global = b, env.Timestamp, true
	return e, nil
}

func (in *Ingest) event(k store.Key, ev sse.Event) store.Event {
	e := store.Event{Key: k, Data: []byte(ev.Data), HasID: ev.HasID}
	if ev.Type != "message" {
		e.Type = ev.Type
	}
	e.Origin = store.Origin{Upstream: in.opts.Name, Hash: xxhash.Sum64String(ev.Data)}
	if ev.HasID {
		e.Origin.ID = ev.ID
	}
	return e
}
