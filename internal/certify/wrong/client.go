package wrong

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const maxDelay = 20 * time.Second

// Wrong is the environment variable with the way to be wrong; empty is right.
const Wrong = "CERTIFY_WRONG"

// A client follows one stream until its process is ended.
type client struct {
	wrong   string
	url     string
	initial time.Duration
	pending time.Duration // a reconnection time whose block is not complete
	idle    time.Duration
	http    *http.Client

	id       string // the last event ID in force
	opened   int    // streams so far
	shown    int    // events so far
	failures int    // since success
	after    time.Duration
	parser   *parser
	late     func()
	out      *bufio.Writer
}

func (c *client) is(wrong string) bool { return c.wrong == wrong }

// Main is the client's process: its last argument is the stream's URL.
func Main() {
	c := &client{
		wrong: os.Getenv(Wrong), url: os.Args[len(os.Args)-1],
		initial: milliseconds("SSE_CERTIFY_INITIAL"), idle: milliseconds("SSE_CERTIFY_IDLE"),
		out: bufio.NewWriterSize(os.Stdout, 1<<20),
	}
	if c.is("does-not-end") {
		signal.Ignore(syscall.SIGTERM)
	} else {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	c.prepare()
	for c.attempt() {
		c.wait()
	}
}

func milliseconds(name string) time.Duration {
	n, _ := strconv.Atoi(os.Getenv(name))
	return time.Duration(n) * time.Millisecond
}

// prepare makes the HTTP client.
func (c *client) prepare() {
	transport := &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: c.is("trusts-everybody")}}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case c.is("follows-no-redirects"):
			return http.ErrUseLastResponse
		case len(via) > 15 && !c.is("follows-redirects-for-ever"):
			return errors.New("too many redirects")
		case c.is("drops-the-id-at-redirects"):
			req.Header.Del("Last-Event-ID")
		}
		if req.URL.Host != via[0].URL.Host && !c.is("sends-the-token-everywhere") {
			req.Header.Del("Authorization")
		}
		if c.is("sends-the-token-everywhere") {
			req.Header.Set("Authorization", via[0].Header.Get("Authorization"))
		}
		if c.is("remembers-redirects") {
			c.url = req.URL.String()
		}
		return nil
	}}
}

// attempt follows one connection to its end; false if there is to be no other.
func (c *client) attempt() bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dead := cancel
	if c.is("leaves-connections-open") {
		dead = func() { // and what it reads stays blocked
			for c.attempt() {
				c.wait()
			}
		}
	}
	idle := time.AfterFunc(c.idle, dead)
	defer idle.Stop()
	if c.is("has-no-idle-limit") || c.is("has-no-limit-for-heads") {
		idle.Stop()
	}
	c.after = 0
	resp, err := c.http.Do(c.request(ctx).WithContext(ctx))
	if err != nil {
		if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
			return false
		}
		c.failures++
		return !c.is("stops-at-the-first-failure") && (!c.is("stops-at-a-later-failure") || c.opened == 0)
	}
	defer resp.Body.Close()
	if again, ok := c.accept(resp); !ok {
		return again
	}
	c.opened++
	if c.is("counts-a-head-as-success") {
		c.failures = 0
	}
	clean := c.read(resp, idle)
	c.failures++
	if c.parser.too {
		return false
	}
	return !(clean && c.is("stops-at-a-clean-end")) && (clean || !c.is("stops-at-a-cut"))
}

func (c *client) request(ctx context.Context) *http.Request {
	u := c.url
	if parsed, err := url.Parse(u); c.is("drops-the-query") && err == nil {
		parsed.RawQuery = ""
		u = parsed.String()
	}
	method := "GET"
	if c.is("posts") {
		method = "POST"
	}
	req, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+os.Getenv("SSE_CERTIFY_TOKEN"))
	if c.is("lets-caches-answer") {
		req.Header.Del("Cache-Control")
	}
	if c.is("accepts-anything") {
		req.Header.Del("Accept")
	}
	if c.is("sends-the-token-once") && c.opened > 0 {
		req.Header.Del("Authorization")
	}
	if id, send := c.lastEventID(); send {
		req.Header["Last-Event-Id"] = []string{id}
	}
	return req
}

// lastEventID is what the header has.
func (c *client) lastEventID() (id string, send bool) {
	id, send = c.id, c.id != ""
	number, err := strconv.ParseFloat(id, 64)
	switch {
	case c.is("sends-no-id"):
		return "", false
	case c.is("sends-empty-ids"):
		return id, true
	case c.is("takes-0-for-no-id") && id == "0":
		return "", false
	case c.is("takes-ids-for-numbers") && err == nil:
		return strconv.FormatFloat(number, 'f', -1, 64), send
	case c.is("escapes-ids"):
		return url.QueryEscape(id), send
	case c.is("cuts-ids") && len(id) > 1024:
		return id[:1024], send
	case c.is("sends-any-id"):
		return id, send
	}
	if len(id) > 4096 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", false
	}
	return strings.TrimSpace(id), send
}

// accept tells whether a response is the stream, and if not whether to ask again.
func (c *client) accept(resp *http.Response) (again, ok bool) {
	status := resp.StatusCode
	if c.is("reads-whatever-the-status") && status != http.StatusNoContent {
		status = http.StatusOK
	}
	contentType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	stream := err == nil && contentType == "text/event-stream"
	switch given := resp.Header.Get("Content-Type"); {
	case c.is("reads-whatever-the-content-type"):
		stream = true
	case c.is("compares-the-content-type's-beginning"):
		stream = strings.HasPrefix(given, "text/event-stream")
	case c.is("knows-no-parameters"):
		stream = given == "text/event-stream"
	case c.is("compares-the-content-type's-case"):
		stream = strings.HasPrefix(given, "text/event-stream;") || given == "text/event-stream"
	}
	if status == http.StatusOK && stream {
		return false, true
	}
	if c.is("reads-refusals-to-their-end") {
		io.Copy(io.Discard, resp.Body)
	}
	c.failures++
	c.retryAfter(resp.Header.Get("Retry-After"))
	switch {
	case status == http.StatusNoContent:
		return c.is("comes-back-after-204"), false
	case c.is("stops-at-refusals"):
		return false, false
	case c.is("forgets-the-id-at-failures"):
		c.id = ""
	}
	return status >= 500 || status == 408 || status == 425 || status == 429 || c.opened > 0, false
}

func (c *client) retryAfter(value string) {
	seconds, err := strconv.Atoi(value)
	date, dateErr := http.ParseTime(value)
	switch {
	case c.is("ignores-retry-after"):
	case err == nil && seconds > 0:
		c.after = time.Duration(seconds) * time.Second
	case dateErr == nil && !c.is("knows-no-dates"):
		c.after = time.Until(date)
	}
}

// read reads one stream; clean tells how it ended.
func (c *client) read(resp *http.Response, idle *time.Timer) (clean bool) {
	if c.parser == nil || !c.is("keeps-its-parser") {
		c.parser = &parser{c: c}
	}
	if c.is("forgets-the-id-at-connections") {
		defer func(seen int) {
			if c.shown == seen {
				c.id = ""
			}
		}(c.shown)
	}
	if c.is("has-no-limit-for-heads") {
		idle.Reset(c.idle)
	}
	b := make([]byte, 64<<10)
	for {
		n, err := resp.Body.Read(b)
		seen := c.shown
		if n > 0 && !c.is("has-no-idle-limit") && !c.is("counts-events-alone") {
			idle.Reset(c.idle)
		}
		text := b[:n]
		if strings.Contains(resp.Header.Get("Content-Type"), "8859") && c.is("obeys-charsets") {
			text = latin1(text)
		}
		c.parser.feed(text)
		c.out.Flush()
		if c.is("counts-events-alone") && c.shown > seen {
			idle.Reset(c.idle)
		}
		if c.parser.too {
			return false
		}
		if err != nil {
			c.parser.finish()
			c.out.Flush()
			return err == io.EOF
		}
	}
}

func latin1(b []byte) []byte {
	var out []byte
	for _, ch := range b {
		out = append(out, string(rune(ch))...)
	}
	return out
}

// show prints an event.
func (c *client) show(typ, data string, ownID bool) {
	if c.shown++; c.is("has-a-short-queue") && c.shown > 1000 {
		return
	}
	if !c.is("never-resets-its-delay") {
		c.failures = 0
	}
	if typ == "" {
		typ = "message"
	}
	id := &c.id
	if own := ""; c.is("shows-a-block's-own-id") && !ownID {
		id = &own
	}
	line, err := json.Marshal(struct {
		ID   *string `json:"id"`
		Type string  `json:"type"`
		Data string  `json:"data"`
	}{id, typ, data})
	if err != nil {
		panic(err)
	}
	c.out.Write(append(line, '\n'))
	if c.is("shows-events-twice") {
		c.out.Write(append(line, '\n'))
	}
}

// wait waits for the next attempt.
func (c *client) wait() {
	d := c.initial << min(max(c.failures-1, 0), 10)
	if c.is("waits-the-same") {
		d = c.initial
	}
	d = min(d, maxDelay)
	if !c.is("is-as-regular-as-the-others") {
		d += time.Duration(rand.Int64N(int64(d)/2 + 1))
	}
	if c.is("does-not-wait") {
		d = 0
	}
	time.Sleep(max(d, c.after))
}
