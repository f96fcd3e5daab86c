package doctor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Diagnose judges what was observed, in the order in which things go wrong. It
// stops behind what makes the rest meaningless.
func Diagnose(o *Observation) []Check {
	checks := []Check{reachable(o)}
	if o.Err != nil {
		return checks
	}
	if len(o.Hops) > 0 {
		checks = append(checks, redirects(o))
	}
	checks = append(checks, status(o))
	if o.StatusCode != http.StatusOK {
		return checks
	}
	checks = append(checks, contentType(o))
	if checks[len(checks)-1].State == Fault {
		return checks
	}
	compression := compression(o)
	if unreadable(o) {
		return append(checks, compression)
	}
	checks = append(checks, firstByte(o), buffering(o), compression)
	if o.Bytes == 0 {
		return append(checks, idleCut(o))
	}
	return append(checks, format(o), heartbeat(o), ids(o), replay(o), retry(o), idleCut(o))
}

func ok(name, format string, args ...any) Check {
	return Check{Name: name, State: OK, Seen: fmt.Sprintf(format, args...)}
}

// line is text of the server's, for a place inside a line.
func line(s string) string { return termsafe.Cut(termsafe.Line(s), 80) }

func reachable(o *Observation) Check {
	if o.Err == nil {
		to := o.Addr
		if o.Proxy != "" {
			to = "the proxy at " + to
		}
		how := "connected to " + to + " in " + explain.Duration(o.Connected)
		if o.TLS != "" {
			how += ", " + o.TLS
		}
		return ok("reachable", "%s", how)
	}
	c := Check{Name: "reachable", State: Fault, Seen: explain.What(o.Err), Change: explain.Hint(o.Err)}
	switch {
	case is[*net.DNSError](o.Err):
		c.Means = "the name of the host leads nowhere"
	case throughProxy(o):
		c.Means = "the proxy " + o.Proxy + " can't be reached or does not let us through; whether the server is there is not known"
		c.Change = "look at HTTP_PROXY, HTTPS_PROXY and ALL_PROXY; NO_PROXY names hosts that need no proxy"
	case errors.Is(o.Err, syscall.ECONNREFUSED):
		c.Means = "the machine is there, and nothing listens at that port"
	case is[tls.RecordHeaderError](o.Err):
		c.Means = "somebody answers there, and not in TLS"
	case is[*tls.CertificateVerificationError](o.Err):
		c.Means = "the server can't prove who it is"
	case o.Addr != "":
		c.Means = "the server accepts connections, and does not answer requests"
		if c.Change == "" {
			c.Change = "look whether the server, or a proxy ahead of it, waits for the first event before it sends the header; flush the header at once"
		}
	default:
		c.Means = "there is no way to the server from here"
	}
	return c
}

// throughProxy tells whether the way to the proxy has failed, not the one behind it.
func throughProxy(o *Observation) bool {
	e, ok := errors.AsType[*net.OpError](o.Err)
	return ok && e.Op == "proxyconnect" || o.Proxy != "" && o.Addr == ""
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func redirects(o *Observation) Check {
	c := ok("redirect", "%s to %s", explain.Count(len(o.Hops), "redirect"), o.Hops[len(o.Hops)-1])
	c.Means = "each reconnect takes them all again"
	c.State = Warning
	c.Change = "use the last address"
	if o.OtherSite {
		c.Means += "; they lead to another origin, to which no headers, cookies or tokens are sent"
	}
	return c
}

func status(o *Observation) Check {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", o.StatusCode, http.StatusText(o.StatusCode)))
	if o.StatusCode == http.StatusOK {
		return ok("status", "%s over %s after %s", text, o.Proto, explain.Duration(o.Header))
	}
	c := Check{Name: "status", State: Fault, Seen: text}
	if said := explain.Message(o.StatusCode, o.Head, o.Body); said != "" {
		c.Seen += ": " + termsafe.Line(said)
	}
	switch code := o.StatusCode; {
	case code == http.StatusNoContent:
		c.State, c.Means = Warning, "the server says that the stream is over; clients stop and do not reconnect"
	case code == http.StatusUnauthorized:
		c.Means, c.Change = "the server wants to know who asks", "set SSE_TAIL_TOKEN, or use --token-file, --token-cmd or --sse-token"
	case code == http.StatusForbidden:
		c.Means, c.Change = "the server knows who asks, and refuses", "use a token that may read this stream"
	case code == http.StatusNotFound && o.Session:
		c.Means, c.Change = "there is no such session, or it has ended", "look which there are: sse-tail sessions"
	case code == http.StatusNotFound:
		c.Means, c.Change = "nothing is at this path", "compare the path with the server's routes, and with what a proxy makes of it"
	case code == http.StatusMethodNotAllowed:
		c.Means, c.Change = "the path is there, and wants another method", "ask with -X POST, or with -d DATA where it takes a body"
	case code == http.StatusTooManyRequests:
		c.Means, c.Change = "the server has too many streams from here"+retryAfter(o), "close some, or raise the server's limit per address"
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		c.Means, c.Change = "a proxy answers, and the server behind it does not"+retryAfter(o), "look whether the server runs, and at which address the proxy expects it"
	case code >= 500:
		c.Means, c.Change = "the server has failed", "look into its log"
	case code >= 300 && code < 400:
		c.Means, c.Change = "a redirect without a place to go", "set its Location"
	default:
		c.Means = "this is not the answer of a stream"
	}
	return c
}

func retryAfter(o *Observation) string {
	if v := o.Head.Get("Retry-After"); v != "" {
		return "; it asks to come back after " + line(v)
	}
	return ""
}

func contentType(o *Observation) Check {
	ct := o.Head.Get("Content-Type")
	if strings.HasPrefix(strings.ToLower(ct), "text/event-stream") {
		return ok("content type", "%s", line(ct))
	}
	c := Check{
		Name: "content type", State: Fault, Seen: line(ct),
		Means:  "this is no event stream, and every client refuses it",
		Change: "send Content-Type: text/event-stream",
	}
	if ct == "" {
		c.Seen = "none"
	}
	if strings.HasPrefix(ct, "text/html") {
		c.Means = "a page has come instead of the stream: of a login, of a proxy, or of an application's catch-all route"
		c.Change = "compare the path with the server's routes; send what a login needs with -H"
	}
	return c
}

// quickly is how soon something should come that is sent at once.
const quickly = 2 * time.Second

func firstByte(o *Observation) Check {
	const name = "first byte"
	switch {
	case o.Bytes > 0 && o.FirstByte <= quickly:
		return ok(name, "%s after the response", explain.Duration(o.FirstByte))
	case o.Bytes > 0:
		c := ok(name, "%s after the response", explain.Duration(o.FirstByte))
		if o.Session {
			c.State, c.Means, c.Change = Warning, "a session's server sends its first frame at once, so somebody holds it back", proxyAdvice(o)
		}
		return c
	case o.Session && o.Listened > quickly:
		return Check{
			Name: name, State: Fault, Seen: "none in " + explain.Duration(o.Listened),
			Means: "a session's server sends its first frame at once, so somebody holds it back", Change: proxyAdvice(o),
		}
	}
	return Check{
		Name: name, State: Unknown, Seen: "none in " + explain.Duration(o.Listened),
		Means:  "nothing has happened, or somebody holds it back; a silent stream looks the same",
		Change: "let the server send a comment at once and every 15 to 30 s; or listen longer, with --for",
	}
}

// proxyAdvice says how to stop what lies between from gathering bytes.
func proxyAdvice(o *Observation) string {
	server := strings.ToLower(o.Head.Get("Server") + " " + o.Head.Get("Via"))
	switch {
	case strings.Contains(server, "nginx"):
		return "nginx is in between: set proxy_buffering off; there, or let the server send X-Accel-Buffering: no"
	case strings.Contains(server, "apache"):
		return "Apache is in between: set flushpackets=on for its ProxyPass, and keep mod_deflate away from text/event-stream"
	case strings.Contains(server, "cloudflare"):
		return "Cloudflare is in between: a response that it may transform is gathered; send Cache-Control: no-cache, no-transform"
	case o.Head.Get("X-Accel-Buffering") == "no":
		return "flush each event in the server; a proxy that heeds X-Accel-Buffering: no was told already"
	}
	return "flush each event in the server; behind nginx set proxy_buffering off; or send X-Accel-Buffering: no"
}

// heldBack is how much later than others an event may come.
const heldBack = time.Second

// fewPieces is how many small pieces, each behind a pause, tell that nobody
// gathers. A proxy takes the header that asks it not to for itself, so that header
// can't.
const fewPieces = 3

func behindNginx(o *Observation) bool {
	return strings.Contains(strings.ToLower(o.Head.Get("Server")+" "+o.Head.Get("Via")), "nginx")
}

// buffering looks for events that came late and together. What comes with the
// response is history, and has a right to be old.
func buffering(o *Observation) Check {
	const name = "buffering"
	var first, least, most time.Duration
	timed, most1, burst := 0, 0, map[int]int{}
	for _, ev := range o.Events {
		if first == 0 {
			first = ev.At
		}
		if ev.At < first+quickly/4 {
			continue
		}
		burst[ev.Burst]++
		most1 = max(most1, burst[ev.Burst])
		if ev.Late == 0 {
			continue
		}
		if timed == 0 || ev.Late < least {
			least = ev.Late
		}
		most = max(most, ev.Late)
		timed++
	}
	switch {
	case timed >= 2 && most-least > heldBack:
		return Check{
			Name: name, State: Fault,
			Seen:  fmt.Sprintf("events were up to %s late, and up to %d came together", explain.Duration(most-least), most1),
			Means: "somebody between the server's code and here gathers events before passing them on", Change: proxyAdvice(o),
		}
	case timed >= 2:
		return ok(name, "none: %d events came within %s of each other's delay", timed, explain.Duration(max(most-least, time.Millisecond)))
	case o.Apart >= fewPieces:
		return ok(name, "none: %d times some bytes came by themselves, behind a pause", o.Apart)
	case most1 > 1 && behindNginx(o):
		return Check{
			Name: name, State: Warning, Seen: fmt.Sprintf("nginx is in between, and up to %d events came together", most1),
			Means: "unless proxy_buffering is off there, events are gathered", Change: proxyAdvice(o),
		}
	}
	return Check{Name: name, State: Unknown, Seen: "too few events with a time of their own", Means: "listen longer, with --for, while something happens"}
}

// unreadable tells whether the stream came in a compression that we can't undo.
func unreadable(o *Observation) bool {
	enc := o.Head.Get("Content-Encoding")
	return compressed(enc) && !strings.EqualFold(enc, "gzip")
}

const compressAdvice = "leave text/event-stream out of what the server or proxy compresses (nginx: gzip_types; Express: compression's filter), or flush the compressor behind each event"

func compression(o *Observation) Check {
	const name = "compression"
	if enc := o.Head.Get("Content-Encoding"); compressed(enc) {
		c := Check{Name: name, State: Warning, Seen: line(enc) + ", which was not asked for", Change: compressAdvice}
		switch {
		case unreadable(o):
			c.State, c.Means = Fault, "a client that did not ask for it can't read it"
		case o.Bytes == 0:
			c.State, c.Means = Fault, "nothing of the stream has come out of it in "+explain.Duration(o.Listened)+": it is not flushed, or nothing has happened"
		default:
			c.Means = "a client that did not ask for it need not be able to read it"
		}
		return c
	}
	g := o.Gzip
	switch {
	case g == nil:
		return Check{Name: name, State: Unknown, Seen: "none for this client; what a browser gets was not asked"}
	case !compressed(g.Encoding):
		return ok(name, "none, also where it is allowed")
	case !strings.EqualFold(g.Encoding, "gzip"):
		return Check{
			Name: name, State: Unknown, Seen: line(g.Encoding) + " where it is allowed, as browsers do; we can't read it",
			Means: "whether events come through it in time is not known", Change: compressAdvice,
		}
	}
	seen := fmt.Sprintf("%s where it is allowed, as browsers do: in %s %s came through it, and %d without it",
		line(g.Encoding), explain.Duration(replayTime), explain.Count(g.Through, "event"), g.Plain)
	switch {
	case g.Plain == 0 && g.Through == 0:
		return Check{Name: name, State: Unknown, Seen: seen, Means: "nothing has happened meanwhile", Change: compressAdvice}
	case g.Through == 0:
		return Check{
			Name: name, State: Fault, Seen: seen,
			Means: "events stay in the compressor until it is full", Change: compressAdvice,
		}
	case g.Through+1 < g.Plain: // the last one may be on its way
		return Check{Name: name, State: Warning, Seen: seen, Means: "some come later than they would without it", Change: compressAdvice}
	}
	return ok(name, "%s", seen)
}
