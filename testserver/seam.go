package testserver

import (
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A seam is where the hub asks for faults.
type seam struct{ *Server }

// Arrive gives the hub what the faults want of a request.
func (s seam) Arrive(v *hub.Visit) hub.Plan {
	e := s.book.entryOf(v)
	r := fault.Request{Stream: e.Stream, Path: v.Request.URL.Path, Method: v.Request.Method, Header: v.Request.Header}
	p := &plan{server: s.Server, visit: v, conn: s.faults.Meet(r, e)}
	p.repeat.Store(s.repeatsAtSeam(v.Number))
	s.book.setFaults(e, p.conn)
	return p
}

// A plan is what the faults of one request want, in the words of the hub.
type plan struct {
	server *Server
	visit  *hub.Visit
	conn   *fault.Conn
	repeat atomic.Bool // a frame comes twice where the replay ends
}

// Answer lets faults delay the response, and answer in place of the stream.
func (p *plan) Answer(ctx context.Context, w http.ResponseWriter, r *http.Request) hub.Answer {
	a := p.conn.Answer(ctx)
	if a == nil {
		return hub.Answer{}
	}
	if a.Status == 0 {
		return hub.Answer{} // the hub knows why the wait is over
	}
	p.server.answer(w, r, a)
	return hub.Answer{Done: true, Status: a.Status, Why: "fault " + a.Kind}
}

// Admit lets faults change how the stream starts.
func (p *plan) Admit(o *hub.Opening) {
	f := fault.Opening{LastEventID: o.Asked, Resumes: o.Asked != "" && o.Kept(o.Asked), Header: o.Header}
	p.conn.Open(&f)
	o.Asked, o.Inclusive, o.NewRun, o.ClearLog = f.LastEventID, f.Inclusive, f.Restart, f.Lose
}

// Wrap lets faults shape the bytes.
func (p *plan) Wrap(w hub.Wire) hub.Wire {
	p.conn.Start(func() { p.server.hub.Ring(p.visit.Number) })
	return &shapedWire{w, p.conn.Shape(w)}
}

// A shapedWire is a wire whose bytes are shaped.
type shapedWire struct {
	hub.Wire
	out fault.Out
}

func (w *shapedWire) Write(b []byte) error { return w.out.Write(b) }

func (w *shapedWire) End() error { return w.out.End() }

// Quiet tells that no fault looks at the body.
func (p *plan) Quiet() bool { return !p.conn.Busy() && !p.repeat.Load() }

// Event offers one event to the faults.
func (p *plan) Event(progress hub.Progress, ev hub.Event) []hub.Part {
	written := parts(p.conn.Event(progressOf(progress), fault.Event{Bytes: ev.Bytes, Of: &ev}))
	switch {
	case !p.repeat.Load():
	case !ev.Replay:
		p.repeat.Store(false)
	case progress.Pending <= 1 && len(written) > 0:
		p.repeat.Store(false)
		written = append(written, hub.Part{Bytes: ev.Bytes})
	}
	return written
}

// Next asks the faults what is next.
func (p *plan) Next(progress hub.Progress) hub.Step {
	s := p.conn.Next(progressOf(progress))
	step := hub.Step{Parts: parts(s.Parts), Hush: s.Hush, Beats: s.Beats, Wake: s.Wake, Max: s.Max}
	if s.End != nil {
		step.End = &hub.End{How: hows[s.End.How], Why: "fault " + s.End.Kind, HalfChunk: s.End.HalfChunk}
	}
	return step
}

var hows = map[fault.How]hub.How{fault.EndCleanly: hub.Clean, fault.EndCut: hub.Abort, fault.EndReset: hub.Reset}

func progressOf(p hub.Progress) fault.Progress {
	return fault.Progress{
		Events: p.Events, Bytes: p.Bytes, Boundary: p.Boundary, Left: p.Left, Pending: p.Pending, Last: p.Last, Ending: p.Ending,
	}
}

func parts(from []fault.Part) []hub.Part {
	var to []hub.Part
	for _, p := range from {
		part := hub.Part{Bytes: p.Bytes}
		if p.Event != nil {
			part.Event, _ = p.Event.Of.(*hub.Event)
		}
		to = append(to, part)
	}
	return to
}

// answer writes what a fault answers.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a *fault.Answer) {
	if a.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.Empty {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Accel-Buffering", "no")
		w.Header().Set("Sse-Run", s.hub.Run())
		maps.Copy(w.Header(), s.opts.Header)
	}
	if to := s.place(r, a.Location); to != "" {
		w.Header().Set("Location", to)
	}
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	io.WriteString(w, a.Body)
	if a.Empty {
		http.NewResponseController(w).Flush() // or net/http would announce a length of 0
	}
}

// place returns where a redirect to a named place, or to a URL, goes; "" is nowhere.
func (s *Server) place(r *http.Request, location string) string {
	u := *r.URL
	u.Scheme, u.Host = strings.TrimSuffix(s.scheme(), "://"), r.Host
	switch location {
	case fault.ToNone:
		return ""
	case fault.ToLoop:
		return loopPath
	case fault.ToSameOrigin:
		q := u.Query()
		q.Set("redirected", "1")
		u.RawQuery = q.Encode()
		return u.RequestURI()
	case fault.ToOtherPort:
		host, _ := hostPort(r.Host)
		u.Host = net.JoinHostPort(host, s.secondPort())
	case fault.ToOtherHost:
		u.Host = otherHost(r.Host)
	default:
		return location
	}
	return u.String()
}

// hostPort splits a Host header, whose port may be missing.
func hostPort(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name, port
	}
	return strings.Trim(host, "[]"), ""
}

// otherHost returns another name for the same host.
func otherHost(host string) string {
	name, port := hostPort(host)
	switch name {
	case memoryHost:
		name = "other." + memoryHost
	case "localhost":
		name = "127.0.0.1"
	default:
		name = "localhost"
	}
	if port == "" {
		return name
	}
	return net.JoinHostPort(name, port)
}

// secondPort returns the number of the second port.
func (s *Server) secondPort() string {
	s.second.Lock()
	defer s.second.Unlock()
	return s.second.name
}

// openSecond opens a second port, for redirects to it.
func (s *Server) openSecond() error {
	s.second.Lock()
	defer s.second.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return errClosed
	case s.second.name != "":
		return nil
	case s.memory:
		s.second.name = "8080" // Dial takes any
		return nil
	}
	host, _, _ := net.SplitHostPort(s.port.Addr().String())
	p, err := s.listen(net.JoinHostPort(cmp.Or(host, "127.0.0.1"), "0"), nil)
	if err != nil {
		return err
	}
	s.second.port = p
	_, s.second.name, _ = net.SplitHostPort(p.Addr().String())
	s.serve(p)
	return nil
}
