package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func isStream(resp *http.Response) bool {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return resp.StatusCode == http.StatusOK && media == "text/event-stream" && !compressed(resp.Header.Get("Content-Encoding"))
}

func compressed(encoding string) bool {
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// An ear is the body of the stream, as it is read: it notes when what came.
type ear struct {
	body  io.Reader
	obs   *Observation
	began time.Time
	last  time.Duration // when the last byte came
	burst int           // reads so far
	line  []byte        // the beginning of the line under way
	cr    bool          // the last byte was a CR
}

// hear listens to the stream until the context is done or the stream ends.
func (p *prober) hear(ctx context.Context, body io.Reader) {
	obs := p.obs
	e := &ear{body: body, obs: obs, began: time.Now()}
	done := p.progress(e)
	defer done()
	dec := sse.NewDecoder(e, nil)
	for {
		ev, err := dec.Next()
		now := time.Since(e.began)
		if err != nil {
			obs.Listened, obs.LastGap = now, now-e.last
			obs.Silence = max(obs.Silence, obs.LastGap)
			obs.Retry = dec.Retry()
			if _, ok := errors.AsType[*sse.LimitError](err); ok {
				obs.Failure = err
			} else if ctx.Err() == nil {
				obs.Ended = err
			}
			return
		}
		e.event(ev, now)
	}
}

// progress reports while the stream is listened to.
func (p *prober) progress(e *ear) (stop func()) {
	if p.Progress == nil {
		return func() {}
	}
	p.Progress(p.For)
	ticker, quit, ended := time.NewTicker(200*time.Millisecond), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				p.Progress(max(p.For-time.Since(e.began), 0))
			case <-quit:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(quit); <-ended }
}

func (e *ear) event(ev sse.Event, now time.Duration) {
	e.obs.Count++
	e.obs.Over = e.obs.Session && session.KindOf(ev) == session.Ended
	if len(e.obs.Events) == maxEvents {
		return
	}
	seen := Event{
		ID: strings.Clone(ev.ID), HasID: ev.HasID, At: now, Burst: e.burst,
		Control: e.obs.Session && session.IsControl(ev),
	}
	if sent, ok := timestamp(ev); ok {
		seen.Late = time.Since(sent)
	}
	e.obs.Events = append(e.obs.Events, seen)
}

// timestamp is when a session's server says that it has emitted an event.
func timestamp(ev sse.Event) (time.Time, bool) {
	var env struct {
		EmittedAt int64     `json:"emittedAt"`
		Timestamp time.Time `json:"timestamp"`
	}
	if json.Unmarshal([]byte(ev.Data), &env) != nil {
		return time.Time{}, false
	}
	if env.EmittedAt > 0 {
		return time.UnixMilli(env.EmittedAt), true
	}
	return env.Timestamp, !env.Timestamp.IsZero()
}

func (e *ear) Read(p []byte) (int, error) {
	n, err := e.body.Read(p)
	if n > 0 {
		now := time.Since(e.began)
		if e.obs.Bytes == 0 {
			e.obs.FirstByte = now
		}
		e.obs.Silence = max(e.obs.Silence, now-e.last)
		e.last = now
		e.burst++
		e.obs.Bytes += int64(n)
		e.lines(p[:n])
	}
	return n, err
}

// lineSample is how much of a line is looked at.
const lineSample = 80

// lines counts lines. A line ends with CR, LF or both.
func (e *ear) lines(b []byte) {
	for len(b) > 0 {
		if e.cr && b[0] == '\n' {
			b = b[1:]
			e.cr = false
			continue
		}
		e.cr = false
		i := bytes.IndexAny(b, "\r\n")
		part := b
		if i >= 0 {
			part = b[:i]
		}
		e.line = append(e.line, part[:min(len(part), lineSample-len(e.line))]...)
		if i < 0 {
			return
		}
		e.cr = b[i] == '\r'
		b = b[i+1:]
		e.count(string(e.line))
		e.line = e.line[:0]
	}
}

func (e *ear) count(line string) {
	l := &e.obs.Lines
	if l.Data+l.Fields+l.Comments+l.Blank+l.Unknown == 0 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	name, _, _ := strings.Cut(line, ":")
	switch {
	case line == "":
		l.Blank++
	case name == "":
		l.Comments++
	case name == "data":
		l.Data++
	case name == "id" || name == "event" || name == "retry":
		l.Fields++
	default:
		if l.Unknown == 0 {
			l.Sample = line
		}
		l.Unknown++
	}
}

// idsOf returns the ids of the first events that have one.
func idsOf(body io.Reader, n int) []string {
	var ids []string
	dec := sse.NewDecoder(body, nil)
	for len(ids) < n {
		ev, err := dec.Next()
		if err != nil {
			break
		}
		if ev.HasID && ev.ID != "" {
			ids = append(ids, strings.Clone(ev.ID))
		}
	}
	return ids
}
