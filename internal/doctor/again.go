package doctor

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// recent is how many events back a replay is asked for. A client that reconnects
// asks for few: a server need not have kept all that came while it was listened to.
const recent = 10

// replay asks to go on after a recent event, and then how far back the server can.
func (p *prober) replay(ctx context.Context) {
	ids := p.heard()
	if len(ids) < 2 || p.obs.Over {
		return
	}
	at := max(len(ids)-1-recent, 0)
	r := &Replay{Asked: ids[at], Want: ids[at+1:], Heard: len(ids) - 1}
	p.obs.Replay = r
	a := p.ask(ctx, r.Asked, len(r.Want))
	r.Got, r.Status, r.Err, r.Pending = a.ids, a.status, a.err, a.pending
	if a.gap != r.Asked {
		r.Gap = a.gap
	}
	if !slices.Equal(r.Got, r.Want) {
		return
	}
	if r.Kept = r.Heard; at == 0 {
		return
	}
	// A window that is full begins behind the id that is asked for, at one that
	// was heard.
	if a := p.ask(ctx, ids[0], len(ids)-1); a.err == nil && len(a.ids) > 0 {
		if i := slices.Index(ids, a.ids[0]); i > 0 {
			r.Kept = max(len(r.Want), len(ids)-i)
		}
	}
}

// heard returns the ids that came, each once.
func (p *prober) heard() (ids []string) {
	seen := map[string]bool{}
	for _, ev := range p.obs.Events {
		if ev.HasID && ev.ID != "" && !seen[ev.ID] {
			seen[ev.ID] = true
			ids = append(ids, ev.ID)
		}
	}
	return ids
}

// An answer is what a server says to a Last-Event-ID.
type answer struct {
	ids     []string
	status  int
	gap     string
	pending bool
	err     error
}

// ask asks to go on after an event, and waits a while for so many.
func (p *prober) ask(ctx context.Context, id string, n int) (a answer) {
	ctx, cancel := context.WithTimeoutCause(ctx, replayTime, errDone)
	defer cancel()
	resp, err := p.get(ctx, id, "identity", false)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	a.status, a.gap = resp.StatusCode, resp.Header.Get("Last-Event-ID")
	if isStream(resp) {
		a.ids = idsOf(decoded(resp), n)
		a.pending = len(a.ids) < n && context.Cause(ctx) == errDone
	}
	return a
}

// idsOf returns the ids of the first events that have one. Where replay meets live
// a frame may come twice.
func idsOf(body io.Reader, n int) []string {
	var ids []string
	dec := sse.NewDecoder(body, nil)
	for len(ids) < n {
		ev, err := dec.Next()
		if err != nil {
			break
		}
		if ev.HasID && ev.ID != "" && !slices.Contains(ids, ev.ID) {
			ids = append(ids, strings.Clone(ev.ID))
		}
	}
	return ids
}

// compression asks as a browser does, which allows compression. What that does to
// events shows beside a connection without it.
func (p *prober) compression(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, replayTime, errDone)
	defer cancel()
	resp, err := p.get(ctx, "", "gzip, deflate, br", false)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	g := &Gzip{Encoding: resp.Header.Get("Content-Encoding")}
	p.obs.Gzip = g
	if !compressed(g.Encoding) || resp.StatusCode != http.StatusOK {
		return
	}
	plain, err := p.get(ctx, "", "identity", false)
	if err != nil {
		return
	}
	defer plain.Body.Close()
	var both sync.WaitGroup
	both.Go(func() { g.Through = eventsOf(decoded(resp)) })
	both.Go(func() { g.Plain = eventsOf(decoded(plain)) })
	both.Wait()
}

// eventsOf counts events until the body ends.
func eventsOf(body io.Reader) (n int) {
	for _, err := range sse.Read(body) {
		if err != nil {
			break
		}
		n++
	}
	return n
}

// decoded is the body of a response without the compression that we can undo.
func decoded(resp *http.Response) io.Reader {
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return &unzipped{body: resp.Body}
	}
	return resp.Body
}

// unzipped waits for the head of its stream when it is read, not before.
type unzipped struct {
	body io.Reader
	z    *gzip.Reader
}

func (u *unzipped) Read(p []byte) (int, error) {
	if u.z == nil {
		z, err := gzip.NewReader(u.body)
		if err != nil {
			return 0, err
		}
		u.z = z
	}
	return u.z.Read(p)
}
