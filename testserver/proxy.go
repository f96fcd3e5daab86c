package testserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// Proxy starts a server that stands in front of a real one: what comes to it goes to the
// upstream, a URL without a path, and its answers come back, with faults. An event
// stream is taken apart into its events; where no fault strikes its bytes are passed on
// unchanged. It keeps nothing, so faults that concern a log (ReplayInclusive,
// RestartCounter, LoseRing) are refused, and sessions and streams of its own are not to
// be reached. A stream's name, for faults and waits, is that of its session or plain
// stream if its path is one of those, else the path. The caller closes the server.
func Proxy(upstream string, opts *Options) (*Server, error) {
	u, err := url.Parse(upstream)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("testserver: upstream %q is not the URL of a server", upstream)
	}
	s, err := newServer(opts)
	if err != nil {
		return nil, err
	}
	s.upstream = &relay{server: s, url: u, transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true}}
	return s.listenAndBegin()
}

// A relay passes requests on to another server.
type relay struct {
	server    *Server
	url       *url.URL
	transport *http.Transport
}

// notInFront are kinds that need a log.
var notInFront = []string{"replay_inclusive", "restart_counter", "lose_ring"}

// hopByHop are headers of one connection alone.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// labelOf names the stream of a request.
func labelOf(r *http.Request) string {
	id, ok := hub.StreamOf(r)
	switch {
	case !ok, id.Kind == hub.Plain && id.Name == "":
		return r.URL.Path
	case id.Kind == hub.OfAll:
		return Global
	}
	return id.Name
}

// ServeHTTP passes one request on.
func (x *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := x.server
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	e := s.book.passing(r, labelOf(r), end)
	status := &statusWriter{ResponseWriter: w}
	why := "the upstream's response was over"
	defer func() { s.book.passed(e, status.code, why) }()
	conn := s.faults.Meet(fault.Request{Stream: e.Stream, Path: r.URL.Path, Method: r.Method, Header: r.Header}, e)
	defer conn.Close()
	if a := conn.Answer(ctx); a != nil {
		if why = "fault " + a.Kind; a.Status == 0 {
			why = whyOf(ctx)
		}
		s.answer(status, r, a)
		return
	}
	resp, head, err := x.ask(ctx, conn, r)
	switch {
	case ctx.Err() != nil:
		why = whyOf(ctx)
		panic(http.ErrAbortHandler)
	case err != nil:
		why = "the upstream did not answer: " + err.Error()
		http.Error(status, why, http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	maps.Copy(status.Header(), head)
	status.WriteHeader(resp.StatusCode)
	if !isEventStream(resp.Header.Get("Content-Type")) || r.Method == http.MethodHead {
		if _, err := io.Copy(status, resp.Body); err != nil { // or the client would take it for the end
			if why = "the response broke off: " + err.Error(); ctx.Err() != nil {
				why = whyOf(ctx)
			}
			panic(http.ErrAbortHandler)
		}
		return
	}
	p := &passage{entry: e, book: s.book, conn: conn, w: status, rc: http.NewResponseController(w), bell: make(chan struct{}, 1)}
	why = p.carry(ctx, resp.Body)
	if p.how == fault.EndReset {
		if c := portConn(r); c != nil {
			c.Reset()
		}
	}
	if p.how != fault.EndCleanly {
		panic(http.ErrAbortHandler)
	}
}

// An order is why a request that goes to another server is to end, and how.
type order struct {
	how fault.How
	why string
}

func (o *order) Error() string { return o.why }

// orderOf returns the order that has ended a context; nil if there is none.
func orderOf(ctx context.Context) *order {
	o, _ := errors.AsType[*order](context.Cause(ctx))
	return o
}

// whyOf says why a request's context has ended.
func whyOf(ctx context.Context) string {
	if o := orderOf(ctx); o != nil {
		return o.why
	}
	return "the client left"
}

// ask sends the request to the upstream, as faults leave it, and returns the response
// and its header, as faults want that.
func (x *relay) ask(ctx context.Context, conn *fault.Conn, r *http.Request) (*http.Response, http.Header, error) {
	o := fault.Opening{LastEventID: r.Header.Get("Last-Event-ID")}
	conn.Open(&o)
	out := r.Clone(ctx)
	out.RequestURI, out.URL.Scheme, out.URL.Host, out.Host = "", x.url.Scheme, x.url.Host, x.url.Host
	for _, key := range hopByHop {
		out.Header.Del(key)
	}
	if o.LastEventID == "" {
		out.Header.Del("Last-Event-ID")
	}
	resp, err := x.transport.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	head := resp.Header.Clone()
	for _, key := range hopByHop {
		head.Del(key)
	}
	if isEventStream(resp.Header.Get("Content-Type")) {
		head.Del("Content-Length")
		maps.Copy(head, o.Header)
	}
	return resp, head, nil
}

func isEventStream(contentType string) bool {
	media, _, _ := bytes.Cut([]byte(contentType), []byte(";"))
	return bytes.EqualFold(bytes.TrimSpace(media), []byte("text/event-stream"))
}

// A passage carries one event stream from the upstream to the client.
type passage struct {
	entry *entry
	book  *book
	conn  *fault.Conn
	w     http.ResponseWriter
	rc    *http.ResponseController
	bell  chan struct{}

	blocks chan block // from the upstream; closed at its end
	next   []block    // that have come
	held   int        // bytes in them
	over   bool       // no more will come
	queue  []fault.Part
	p      fault.Progress
	how    fault.How
}

// A block is what a stream has up to a blank line: an event, or what is none.
type block struct {
	bytes []byte
	event bool
	id    string
}

func (p *passage) ring() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// carry does what the faults want until the stream ends, and says why it did.
func (p *passage) carry(ctx context.Context, body io.Reader) string {
	p.blocks = make(chan block)
	left := make(chan struct{})
	defer close(left)
	read := make(chan error, 1)
	go func() {
		defer close(p.blocks)
		read <- split(body, func(b block) bool {
			select {
			case p.blocks <- b:
				return true
			case <-left:
				return false
			}
		})
	}()
	defer context.AfterFunc(ctx, func() { // frees a write that hangs
		if o := orderOf(ctx); o != nil && o.how != fault.EndCleanly {
			p.rc.SetWriteDeadline(time.Unix(1, 0))
		}
	})()
	out := p.conn.Shape(passageOut{p})
	p.conn.Start(p.ring)
	p.rc.Flush()
	p.book.progress(p.entry, 0, 0, "")
	p.p.Boundary = true
	for {
		if o := orderOf(ctx); o != nil && (o.how != fault.EndCleanly || p.p.Boundary) {
			p.how = o.how
			return o.why
		}
		p.gather()
		step := p.step()
		var err error
		switch {
		case ctx.Err() != nil && len(p.queue) > 0: // the rest of an event, before a clean end
			err = p.writeFirst(out, 0)
		case step.End != nil:
			p.how = step.End.How
			return "fault " + step.End.Kind
		case len(step.Parts) > 0:
			p.queue = append(slices.Clip(step.Parts), p.queue...)
		case step.Hush:
			err = p.wait(ctx, step.Wake)
		case len(p.queue) > 0:
			err = p.writeFirst(out, step.Max)
		case len(p.next) > 0:
			p.take()
		case p.over:
			err := <-read
			if err == nil {
				out.End()
				return "the upstream's stream was over"
			}
			p.how = fault.EndCut
			if ctx.Err() == nil {
				return "the upstream broke off: " + err.Error()
			}
			if o := orderOf(ctx); o != nil { // whose end of the request it was
				p.how = o.how
			}
			return whyOf(ctx)
		default:
			err = p.wait(ctx, step.Wake)
		}
		if err == nil {
			continue
		}
		switch o := orderOf(ctx); {
		case o != nil && err == o: // which the next round obeys
		case o != nil && o.how == fault.EndReset:
			p.how = o.how
			return o.why
		default:
			p.how = fault.EndCut
			return whyOf(ctx)
		}
	}
}

// step asks the faults, if there are any.
func (p *passage) step() fault.Step {
	if !p.conn.Busy() {
		return fault.Step{}
	}
	p.p.Left = 0
	for _, part := range p.queue {
		p.p.Left += len(part.Bytes)
	}
	p.p.Pending, p.p.Last = len(p.next), p.over
	p.p.Ending = p.over && len(p.queue) == 0 && len(p.next) == 0
	return p.conn.Next(p.p)
}

// maxHeld is how many bytes wait for a client; one that is stalled holds the upstream
// back, at last.
const maxHeld = 1 << 20

// gather takes what has come, without waiting.
func (p *passage) gather() {
	for !p.over && p.held < maxHeld {
		select {
		case b, ok := <-p.blocks:
			p.came(b, ok)
		default:
			return
		}
	}
}

func (p *passage) came(b block, ok bool) {
	if !ok {
		p.over = true
		return
	}
	p.next = append(p.next, b)
	p.held += len(b.bytes)
}

// wait waits for something new, until a time if there is one.
func (p *passage) wait(ctx context.Context, until time.Time) error {
	var over <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		over = timer.C
	}
	blocks := p.blocks
	if p.over || p.held >= maxHeld {
		blocks = nil
	}
	select {
	case b, ok := <-blocks:
		p.came(b, ok)
	case <-p.bell:
	case <-over:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// take lets the next block wait to be written, as the faults leave it.
func (p *passage) take() {
	b := p.next[0]
	p.next = p.next[1:]
	p.held -= len(b.bytes)
	ev := fault.Event{Bytes: b.bytes, Of: b.id}
	switch {
	case !b.event:
		p.queue = []fault.Part{{Bytes: b.bytes}}
	case p.conn.Busy():
		p.queue = p.conn.Event(p.p, ev)
	default:
		p.queue = []fault.Part{{Bytes: b.bytes, Event: &ev}}
	}
}

// writeFirst writes from the first part, at most so many bytes if there is a limit.
func (p *passage) writeFirst(out fault.Out, limit int) error {
	part := p.queue[0]
	n := len(part.Bytes)
	if limit > 0 && limit < n {
		n = limit
		p.queue[0].Bytes = part.Bytes[n:]
	} else {
		p.queue = p.queue[1:]
	}
	if err := out.Write(part.Bytes[:n]); err != nil {
		return err
	}
	p.p.Bytes += int64(n)
	p.p.Boundary = n == len(part.Bytes)
	id := ""
	if part.Event != nil && p.p.Boundary {
		p.p.Events++
		id, _ = part.Event.Of.(string)
	}
	p.book.progress(p.entry, p.p.Events, p.p.Bytes, id)
	return nil
}

// passageOut writes to the client.
type passageOut struct{ p *passage }

func (o passageOut) Write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := o.p.w.Write(b); err != nil {
		return err
	}
	return o.p.rc.Flush()
}

func (passageOut) End() error { return nil } // the handler's return is the end

// maxBlock is how much of a stream is looked at as one event.
const maxBlock = sse.DefaultMaxEventSize

// split reads a stream block by block, and leaves each byte as it is.
func split(r io.Reader, each func(block) bool) error {
	in := bufio.NewReader(r)
	var b []byte
	start, wasCR := 0, false // of the line under way; its predecessor ended with CR
	for {
		c, err := in.ReadByte()
		if err != nil {
			if len(b) > 0 {
				each(block{bytes: b})
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		b = append(b, c)
		if len(b) == maxBlock { // no event: it is passed on as it comes
			if !each(block{bytes: b}) {
				return nil
			}
			b, start, wasCR = nil, 0, false
			continue
		}
		switch {
		case c == '\n' && wasCR && start == len(b)-1: // the rest of a CRLF
			start = len(b)
			wasCR = false
			continue
		case c != '\n' && c != '\r':
			wasCR = false
			continue
		}
		blank := start == len(b)-1
		start, wasCR = len(b), c == '\r'
		if !blank {
			continue
		}
		if wasCR && in.Buffered() > 0 { // its LF belongs to this block
			if next, _ := in.Peek(1); next[0] == '\n' {
				in.Discard(1)
				b, wasCR = append(b, '\n'), false
			}
		}
		if !each(blockOf(b)) {
			return nil
		}
		b, start = nil, 0
	}
}

// blockOf finds out whether a block is an event, and no control frame.
func blockOf(b []byte) block {
	for ev, err := range sse.Read(bytes.NewReader(b)) {
		if err == nil {
			return block{b, !session.IsControl(ev), ev.ID}
		}
	}
	return block{bytes: b}
}
