package stage

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// A Stage serves one scenario on ports of its own. Its methods are safe for
// concurrent use.
type Stage struct {
	sc     *scenario.Scenario
	cert   *tls.Config // nil: plain HTTP
	main   *port
	other  *port // the second origin
	change chan struct{}
	wg     sync.WaitGroup

	mu      sync.Mutex
	journal []*scenario.Request
	conns   map[net.Conn]bool
	shown   int
	wake    chan struct{} // closed and replaced when shown grows
	closed  bool
	done    chan struct{} // closed by Close
}

// defaultPath is where a stream is, unless the scenario says otherwise.
const defaultPath = "/events"

// Open starts to serve a scenario.
func Open(sc *scenario.Scenario) (*Stage, error) {
	st := &Stage{
		sc: sc, conns: make(map[net.Conn]bool), change: make(chan struct{}, 1),
		wake: make(chan struct{}), done: make(chan struct{}),
	}
	if sc.TLS {
		var err error
		if st.cert, err = selfSigned(); err != nil {
			return nil, err
		}
	}
	var err error
	if st.main, err = st.listen(false); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	if st.other, err = st.listen(true); err != nil {
		st.Close()
		return nil, fmt.Errorf("stage: %w", err)
	}
	st.main.start()
	st.other.start()
	return st, nil
}

// URL is what the client is to follow.
func (st *Stage) URL() string {
	path := st.sc.Path
	if path == "" {
		path = defaultPath
	}
	return st.origin(st.main) + path
}

func (st *Stage) origin(p *port) string {
	if st.cert != nil {
		return "https://" + p.addr
	}
	return "http://" + p.addr
}

// expand puts what the scenario can't know in the place of its name.
func (st *Stage) expand(text string, n int) string {
	other := st.origin(st.other)
	return strings.NewReplacer(
		"{self}", st.origin(st.main), "{other}", other, "{other-host}", strings.Replace(other, "127.0.0.1", "localhost", 1),
		"{n}", strconv.Itoa(n), "{date+3s}", time.Now().Add(3*time.Second).UTC().Format(http.TimeFormat),
	).Replace(text)
}

// Changed receives when the journal has changed since the last time.
func (st *Stage) Changed() <-chan struct{} { return st.change }

// Journal returns the requests so far.
func (st *Stage) Journal() []scenario.Request {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := make([]scenario.Request, 0, len(st.journal))
	for _, r := range st.journal {
		entry := *r
		entry.Sent = slices.Clone(r.Sent)
		entry.Header = maps.Clone(r.Header)
		all = append(all, entry)
	}
	return all
}

// Shown tells the stage how many events the client has shown.
func (st *Stage) Shown(n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.shown = n
	close(st.wake)
	st.wake = make(chan struct{})
}

// waitShown waits until the client has shown n events; false if it is over before.
func (st *Stage) waitShown(n int, left <-chan struct{}) bool {
	for {
		st.mu.Lock()
		shown, wake := st.shown, st.wake
		st.mu.Unlock()
		if shown >= n {
			return true
		}
		select {
		case <-wake:
		case <-left:
			return false
		case <-st.done:
			return false
		}
	}
}

// pause waits for d; false if it is over before.
func (st *Stage) pause(d time.Duration, left <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-left:
	case <-st.done:
	}
	return false
}

// Close cuts all connections, and returns when nothing of the stage runs any more.
func (st *Stage) Close() {
	st.mu.Lock()
	if st.closed {
		st.mu.Unlock()
		return
	}
	st.closed = true
	close(st.done)
	for c := range st.conns {
		c.Close()
	}
	st.mu.Unlock()
	for _, p := range []*port{st.main, st.other} {
		if p != nil {
			p.close()
		}
	}
	st.wg.Wait()
}

// update changes a request's entry.
func (st *Stage) update(r *scenario.Request, change func()) {
	st.mu.Lock()
	change()
	st.mu.Unlock()
	st.told()
}

func (st *Stage) told() {
	select {
	case st.change <- struct{}{}:
	default:
	}
}

// begin enters a request and returns what it is to get.
func (st *Stage) begin(r *scenario.Request) scenario.Conn {
	st.mu.Lock()
	st.journal = append(st.journal, r)
	r.N = len(st.journal)
	r.At = time.Now()
	st.mu.Unlock()
	st.told()
	switch {
	case r.N <= len(st.sc.Conns):
		return st.sc.Conns[r.N-1]
	case st.sc.Rest != nil:
		return *st.sc.Rest
	}
	return scenario.Conn{}
}

// serve answers the requests of one connection.
func (st *Stage) serve(c net.Conn, p *port) {
	defer st.forget(c)
	if st.cert != nil {
		c = tls.Server(c, st.cert)
		defer c.Close()
	}
	br := bufio.NewReader(c)
	for {
		r, err := readRequest(br)
		if err != nil {
			return
		}
		if !strings.HasPrefix(r.Target, "/events") { // a browser looks for an icon
			c.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
			continue
		}
		r.Other = p.other
		act := &act{st: st, p: p, c: c, conn: st.begin(r), entry: r, left: make(chan struct{})}
		watching := make(chan struct{})
		go act.watch(br, watching)
		reuse := act.play()
		if !reuse {
			c.Close()
		}
		<-watching
		if !reuse {
			return
		}
	}
}

func (st *Stage) forget(c net.Conn) {
	c.Close()
	st.mu.Lock()
	delete(st.conns, c)
	st.mu.Unlock()
}

// admit takes a connection into the books; false if the stage is closed.
func (st *Stage) admit(c net.Conn) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return false
	}
	st.conns[c] = true
	return true
}
