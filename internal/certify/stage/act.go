package stage

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// keptSent is how much of what was sent the journal keeps.
const keptSent = 8 << 10

// An act is the answer to one request.
type act struct {
	st    *Stage
	p     *port
	c     net.Conn
	conn  scenario.Conn
	entry *scenario.Request
	left  chan struct{} // closed when the client has closed the connection

	chunked bool
	zip     *gzip.Writer
}

// watch finds out that the client leaves. It returns when it has, or when the next
// request is there.
func (a *act) watch(br *bufio.Reader, done chan<- struct{}) {
	defer close(done)
	if _, err := br.Peek(1); err == nil {
		return
	}
	a.gone()
	close(a.left)
}

// gone enters that the client has closed the connection.
func (a *act) gone() {
	a.st.update(a.entry, func() {
		if a.entry.Done.IsZero() && !a.entry.Left {
			a.entry.Left, a.entry.LeftAt = true, time.Now()
		}
	})
}

// play answers the request; it tells whether the connection can be used again.
func (a *act) play() (reuse bool) {
	if a.conn.Delay > 0 && !a.st.pause(a.conn.Delay, a.left) {
		return false
	}
	if !a.conn.Mute {
		a.head()
	}
	for _, step := range a.conn.Steps {
		switch step.Op {
		case scenario.OpEnd, scenario.OpCut, scenario.OpReset, scenario.OpShut:
			return a.end(step)
		}
		if !a.do(step) {
			// That a client leaves is what a flood is for.
			a.st.update(a.entry, func() { a.entry.Played = step.Op == scenario.OpFlood })
			return false
		}
	}
	a.st.update(a.entry, func() { a.entry.Played = true })
	select { // nothing more happens
	case <-a.left:
	case <-a.st.done:
	}
	return false
}

// head writes the response's head.
func (a *act) head() {
	if a.conn.Head != "" {
		a.wire(a.conn.Head)
		return
	}
	status := a.conn.Status
	if status == 0 {
		status = http.StatusOK
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	switch a.conn.ContentType {
	case "":
		b.WriteString("Content-Type: text/event-stream\r\n")
	case "-":
	default:
		fmt.Fprintf(&b, "Content-Type: %s\r\n", a.conn.ContentType)
	}
	b.WriteString("Cache-Control: no-cache\r\n")
	b.WriteString("Access-Control-Allow-Origin: *\r\n") // a browser's page is of another origin
	for _, f := range a.conn.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, a.st.expand(f.Value, a.entry.N))
	}
	bodyless := status == http.StatusNoContent || status == http.StatusNotModified
	a.chunked = a.conn.Framing == scenario.Chunked && !bodyless && a.entry.Proto == "HTTP/1.1"
	switch {
	case a.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case !bodyless:
		b.WriteString("Connection: close\r\n")
	}
	if a.conn.Gzip && strings.Contains(a.entry.Header.Get("Accept-Encoding"), "gzip") {
		b.WriteString("Content-Encoding: gzip\r\n")
		a.zip = gzip.NewWriter(bodyWriter{a})
	}
	b.WriteString("\r\n")
	a.wire(b.String())
}

// do does a step that does not end the response; false if it can't be done any
// more.
func (a *act) do(step scenario.Step) bool {
	switch step.Op {
	case scenario.OpSend:
		return a.send(step.Text)
	case scenario.OpWire:
		return a.wire(step.Text)
	case scenario.OpSlice:
		for i := range len(step.Text) {
			if !a.send(step.Text[i : i+1]) {
				return false
			}
		}
		return true
	case scenario.OpFlood:
		return a.flood(step)
	case scenario.OpBeat:
		for range step.N {
			if !a.send(step.Text) || !a.st.pause(step.D, a.left) {
				return false
			}
		}
		return true
	case scenario.OpShown:
		return a.st.waitShown(step.N, a.left)
	case scenario.OpPause:
		return a.st.pause(step.D, a.left)
	}
	panic("stage: unknown step " + string(step.Op))
}

// flood sends the text again and again, in pieces of some size.
func (a *act) flood(step scenario.Step) bool {
	piece := strings.Repeat(step.Text, max(1, 32<<10/len(step.Text)))
	for n := 0; n < step.N; n += len(piece) {
		if !a.send(piece[:min(len(piece), step.N-n)]) {
			return false
		}
	}
	return true
}

// end ends the response.
func (a *act) end(step scenario.Step) (reuse bool) {
	if step.Op == scenario.OpEnd && a.zip != nil {
		a.zip.Close()
	}
	if step.Op == scenario.OpEnd && a.chunked {
		reuse = a.wire("0\r\n" + step.Text + "\r\n")
	}
	bodyless := a.conn.Status == http.StatusNoContent || a.conn.Status == http.StatusNotModified
	reuse = step.Op == scenario.OpEnd && a.conn.Head == "" && (reuse || bodyless)
	if tcp, ok := a.c.(*net.TCPConn); ok && step.Op == scenario.OpReset {
		tcp.SetLinger(0)
	}
	if step.Op == scenario.OpShut {
		a.p.shut()
	}
	a.st.update(a.entry, func() { a.entry.Done, a.entry.Played = time.Now(), true })
	if step.Op == scenario.OpShut {
		a.c.Close()
		a.st.pause(step.D, nil)
		a.p.reopen()
	}
	return reuse
}

// send sends a piece of the body, framed.
func (a *act) send(text string) bool {
	if a.zip == nil {
		_, err := bodyWriter{a}.Write([]byte(text))
		return err == nil
	}
	_, err := a.zip.Write([]byte(text))
	return err == nil && a.zip.Flush() == nil
}

// bodyWriter frames what is written as a chunk.
type bodyWriter struct{ a *act }

func (w bodyWriter) Write(b []byte) (int, error) {
	text := string(b)
	if w.a.chunked {
		text = fmt.Sprintf("%x\r\n%s\r\n", len(b), b)
	}
	if len(b) > 0 && !w.a.wire(text) {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// wire writes bytes as they are.
func (a *act) wire(text string) bool {
	// In the journal first: what the client makes of it may be seen before Write
	// returns.
	a.st.mu.Lock()
	a.entry.Bytes += int64(len(text))
	if room := keptSent - len(a.entry.Sent); room > 0 {
		a.entry.Sent = append(a.entry.Sent, text[:min(room, len(text))]...)
	}
	a.st.mu.Unlock()
	if _, err := a.c.Write([]byte(text)); err != nil {
		a.gone()
		return false
	}
	return true
}
