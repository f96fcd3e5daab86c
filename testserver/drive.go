package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/control"
	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A driver lets the control API drive a server. Its methods are those that Go's users
// have, in the API's words.
type driver struct{ *Server }

// Stats answers with the server's counts.
func (d *driver) Stats() any { return d.Server.Stats() }

// Sessions lists the sessions.
func (d *driver) Sessions() []control.Stream { return d.streamsOf(hub.OfSession) }

// Streams lists the plain streams.
func (d *driver) Streams() []control.Stream { return d.streamsOf(hub.Plain) }

func (d *driver) streamsOf(kind hub.Kind) (all []control.Stream) {
	for _, i := range d.hub.Streams(kind) {
		all = append(all, d.infoOf(i))
	}
	return all
}

func (d *driver) infoOf(i hub.StreamInfo) control.Stream {
	url := d.SessionURL(i.ID.Name)
	if i.ID.Kind == hub.Plain {
		url = d.StreamURL(i.ID.Name)
	}
	return control.Stream{
		Name: i.ID.Name, URL: url, Created: i.Created, Ended: i.Ended, Kept: i.Kept, Newest: orNil(i.Newest), Connections: i.Conns,
	}
}

// orNil returns nil for what is zero.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// lookup describes a stream that there is.
func (d *driver) lookup(kind hub.Kind, name string) control.Stream {
	i, _ := d.hub.Lookup(hub.StreamID{Kind: kind, Name: name})
	return d.infoOf(i)
}

// CreateSession creates a session, if there is none that has not ended.
func (d *driver) CreateSession(name string) (control.Stream, error) {
	if _, err := d.session(name); err != nil {
		return control.Stream{}, err
	}
	return d.lookup(hub.OfSession, name), nil
}

// CreateStream creates a plain stream, if there is none that has not ended.
func (d *driver) CreateStream(name string) (control.Stream, error) {
	if _, err := d.stream(name); err != nil {
		return control.Stream{}, err
	}
	return d.lookup(hub.Plain, name), nil
}

// EndSession ends a session; false if there is none, or it has ended.
func (d *driver) EndSession(name, reason string) (int64, bool) {
	if i, ok := d.hub.Lookup(hub.StreamID{Kind: hub.OfSession, Name: name}); !ok || i.Ended {
		return 0, false
	}
	id := d.Session(name).Ended(reason)
	return id, id != 0
}

// EndStream does the same with a plain stream.
func (d *driver) EndStream(name string) bool {
	if i, ok := d.hub.Lookup(hub.StreamID{Kind: hub.Plain, Name: name}); !ok || i.Ended {
		return false
	}
	d.Stream(name).End()
	return true
}

// Knows tells whether there is, or was, a stream.
func (d *driver) Knows(stream string) bool { return d.book.knows(stream) }

// Numbers tells whether a stream's ids are numbers.
func (d *driver) Numbers(stream string) bool {
	d.book.mu.Lock()
	defer d.book.mu.Unlock()
	id, ok := d.book.idOf(stream)
	return ok && id.Kind != hub.Plain
}

// EmitTo publishes on a session.
func (d *driver) EmitTo(name, kind string, data json.RawMessage) (int64, error) {
	ses, err := d.session(name)
	if err != nil {
		return 0, err
	}
	var v any
	if len(data) > 0 {
		v = data
	}
	return ses.Emit(session.Kind(kind), v), nil
}

// SendTo publishes on a plain stream.
func (d *driver) SendTo(name string, ev sse.Event) error {
	st, err := d.stream(name)
	if err != nil {
		return err
	}
	return st.Send(ev)
}

func (p *posting) published() control.Published {
	pub := control.Published{Type: new(p.kind()), Data: p.data}
	if p.hasID {
		pub.ID = new(p.id)
	}
	return pub
}

// Published returns what a stream has published, and whether that is all.
func (d *driver) Published(stream string) (events []control.Published, complete bool) {
	d.book.mu.Lock()
	defer d.book.mu.Unlock()
	r := d.book.find(stream)
	if r == nil {
		return nil, true
	}
	for i := range r.postings {
		events = append(events, r.postings[i].published())
	}
	return events, r.forgotten == 0
}

// Inject puts faults in force.
func (d *driver) Inject(faults []fault.Fault) ([]fault.Info, error) {
	h, err := d.inject(faults)
	if err != nil {
		return nil, err
	}
	return d.faults.Info(h.numbers...), nil
}

// Faults lists the faults that can still strike.
func (d *driver) Faults() []fault.Info { return d.faults.Active() }

// Fault tells of one fault.
func (d *driver) Fault(number int) (fault.Info, bool) {
	infos := d.faults.Info(number)
	if len(infos) == 0 {
		return fault.Info{}, false
	}
	return infos[0], true
}

// RemoveFaults removes faults.
func (d *driver) RemoveFaults(numbers ...int) int { return d.removeFaults(numbers...) }

// RemoveAllFaults removes all of them.
func (d *driver) RemoveAllFaults() int { return d.removeAllFaults() }

// Conns lists the requests for streams that are not over.
func (d *driver) Conns(stream string) (conns []control.Conn) {
	for _, c := range d.Server.Conns(stream) {
		r := &c.Request
		conns = append(conns, control.Conn{
			Number: r.Number, Stream: r.Stream, RemoteAddr: r.RemoteAddr, Since: r.Time, Open: !c.Awaiting,
			Events: r.Events, Bytes: r.Bytes, LastSent: orNil(r.LastSent), Behind: c.Behind,
		})
	}
	return conns
}

func (c *Conn) end(how control.How) {
	switch how {
	case control.End:
		c.End()
	case control.Reset:
		c.Reset()
	default:
		c.Cut()
	}
}

// EndConn ends one connection; false if there is none of the number.
func (d *driver) EndConn(number int64, how control.How) bool {
	for _, c := range d.Server.Conns("") {
		if c.Request.Number == number {
			c.end(how)
			return true
		}
	}
	return false
}

// EndConns ends those of a stream, or all.
func (d *driver) EndConns(stream string, how control.How) int {
	conns := d.Server.Conns(stream)
	for i := range conns {
		conns[i].end(how)
	}
	return len(conns)
}

// Requests answers with the journal behind a number.
func (d *driver) Requests(after int64) any { return d.book.requests(after) }

// Delivered returns what a request's connection got.
func (d *driver) Delivered(request int64) ([]string, bool) { return d.book.delivered(request) }

// Wait waits for a fact.
func (d *driver) Wait(ctx context.Context, f control.Fact) error {
	switch {
	case f.Connections != nil && f.Stream != "":
		return d.WaitConnsOn(ctx, f.Stream, *f.Connections)
	case f.Connections != nil:
		return d.WaitConns(ctx, *f.Connections)
	case f.Requests != nil && f.Stream != "":
		return d.WaitRequestsOn(ctx, f.Stream, *f.Requests)
	case f.Requests != nil:
		return d.WaitRequests(ctx, *f.Requests)
	case f.Fired != nil:
		return d.handle([]int{f.Fault}).WaitFired(ctx, *f.Fired)
	case f.Request != nil:
		return d.WaitDeliveredTo(ctx, *f.Request, *f.Delivered)
	}
	return d.WaitDeliveredID(ctx, f.Stream, *f.Delivered)
}

var keeps = map[control.Keep]Keep{control.KeepLogs: KeepLogs, control.KeepCounter: KeepCounter, control.KeepNothing: KeepNothing}

// Restart restarts the server.
func (d *driver) Restart(keep control.Keep, down time.Duration) error {
	k, ok := keeps[keep]
	if !ok {
		return fmt.Errorf("testserver: there is no %q to keep", keep)
	}
	return d.Server.Restart(k, down)
}
