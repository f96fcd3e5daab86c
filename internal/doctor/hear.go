package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
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
	enc := resp.Header.Get("Content-Encoding")
	return resp.StatusCode == http.StatusOK && media == "text/event-stream" && (!compressed(enc) || strings.EqualFold(enc, "gzip"))
}

func compressed(encoding string) bool {
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// An ear is the body of the stream, as it is read: it notes when what came.
type ear struct {
	body   io.Reader
	obs    *Observation
	began  time.Time
	last   time.Duration // when the last byte came
	burst  int           // reads so far
	block  int64         // bytes since the last blank line
	before int64         // bytes of the largest block before
	ends   int           // blank lines so far
	seed   maphash.Seed
	line   []byte // the beginning of the line under way
	cr     bool   // the last byte was a CR
}

// hear listens to the stream until the context is done or the stream ends.
func (p *prober) hear(ctx context.Context, body io.Reader) {
	obs := p.obs
	e := &ear{body: body, obs: obs, began: time.Now(), seed: maphash.MakeSeed()}
	done := p.progress(e)
	defer done()
	dec := sse.NewDecoder(e, nil)
	for {
		ev, err := dec.Next()
		now := time.Since(e.began)
		if err != nil {
			obs.Listened, obs.LastGap = now, now-e.last
			obs.Silence = max(obs.Silence, obs.LastGap)
			if _, ok := errors.AsType[*sse.LimitError](err); ok {
				obs.Failure = err
				e.rest()
			} else if ctx.Err() == nil {
				obs.Ended = err
			}
			return
		}
		e.event(ev, now)
	}
}

// rest reads what is left of an event over the limit, to tell a large one from one
// without end.
func (e *ear) rest() {
	o := e.obs
	if e.block < sse.DefaultMaxEventSize { // its end has come with the last bytes
		o.Large, o.Whole = e.before, true
		return
	}
	ends, buf := e.ends, make([]byte, 64<<10)
	for e.ends == ends && e.block < maxLarge {
		if _, err := e.Read(buf); err != nil {
			break
		}
	}
	o.Large, o.Whole = max(e.block, e.before), e.ends > ends
}

// progress reports while the stream is listened to.
func (p *prober) progress(e *ear) (stop func()) {
	if p.Progress == nil {
		return func() {}
	}
	left := func() time.Duration {
		if p.For == 0 {
			return -1
		}
		return max(p.For-time.Since(e.began), 0)
	}
	p.Progress(left())
	ticker, quit, ended := time.NewTicker(200*time.Millisecond), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				p.Progress(left())
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
		Control: e.obs.Session && session.IsControl(ev), Sum: maphash.String(e.seed, ev.Data),
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
		if e.obs.Bytes > 0 && n < apartBytes && now-e.last >= apartTime {
			e.obs.Apart++
		}
		e.last = now
		e.burst++
		e.obs.Bytes += int64(n)
		e.lines(p[:n])
	}
	return n, err
}

// What no proxy passes on that gathers: less than any buffer holds, behind a
// pause. (nginx gathers 4 or 8 KiB, compressors some hundred bytes at least.)
const (
	apartBytes = 1 << 10
	apartTime  = 100 * time.Millisecond
)

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
		part, i := b, lineEnd(b)
		if i >= 0 {
			part = b[:i]
		}
		e.block += int64(len(part))
		e.line = append(e.line, part[:min(len(part), lineSample-len(e.line))]...)
		if i < 0 {
			return
		}
		e.block++
		e.cr = b[i] == '\r'
		b = b[i+1:]
		e.count(string(e.line))
		e.line = e.line[:0]
	}
}

// lineEnd returns where the first line ends, or -1.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

func (e *ear) count(line string) {
	l := &e.obs.Lines
	if l.Data+l.Fields+l.Comments+l.Blank+l.Unknown == 0 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	name, value, _ := strings.Cut(line, ":")
	switch {
	case line == "":
		l.Blank++
		e.ends++
		e.before, e.block = max(e.before, e.block), 0
	case name == "":
		l.Comments++
	case name == "data":
		l.Data++
	case name == "id" || name == "event" || name == "retry":
		l.Fields++
		if name == "retry" {
			value = strings.TrimPrefix(value, " ")
			e.obs.Retry = &value
		}
	default:
		if l.Unknown == 0 {
			l.Sample = line
		}
		l.Unknown++
	}
}
