package catalogue

import (
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// requests are what a client asks.
func requests() []*scenario.Scenario {
	one := func() []scenario.Conn {
		return []scenario.Conn{{Steps: steps(lastEvent()), Show: data(last)}}
	}
	return []*scenario.Scenario{
		{
			Name: "http/request/get", Class: scenario.Standard, Clause: "HTML 9.2.2 The EventSource interface",
			Why:   "A stream is asked for with GET, without a body, and with nothing to resume from.",
			Conns: []scenario.Conn{{Carry: []scenario.Field{live}, Steps: steps(lastEvent()), Show: data(last)}}, Checks: []scenario.Check{scenario.Asks{Target: "/events"}},
		},
		{
			Name: "http/request/query", Class: scenario.Standard, Clause: "URL Standard; RFC 9112 3.2.1",
			Why:  "The query says which stream is meant: changed or dropped, it is another one.",
			Path: "/events?stream=a%2Fb&q=x+y&empty=&n=1", Conns: one(), Checks: []scenario.Check{scenario.Asks{Target: "/events?stream=a%2Fb&q=x+y&empty=&n=1"}},
		},
		{
			Name: "http/request/path", Class: scenario.Standard, Clause: "URL Standard; RFC 9112 3.2.1",
			Why:  "A path is sent as it was given: %2F is not a slash.",
			Path: "/events/a%2Fb/c%20d/%C3%A9", Conns: one(), Checks: []scenario.Check{scenario.Asks{Target: "/events/a%2Fb/c%20d/%C3%A9"}},
		},
		{
			Name: "http/request/no-cache", Class: scenario.Standard, Clause: "HTML 9.2.2 (cache mode no-store); Fetch, HTTP-network-or-cache fetch",
			Why:   "A cache on the way may answer with an old stream, or keep back a new one. Cache-Control: no-cache tells it not to.",
			Conns: one(), Checks: []scenario.Check{scenario.Accepts{Field: "Cache-Control", Value: "no-"}},
		},
		{
			Name: "http/request/accept", Class: scenario.Robust, Clause: "HTML 9.2.2 lets a client send Accept; RFC 9110 12.5.1",
			Why:   "Servers that speak more than one format at a URL look at Accept, and send something else without it.",
			Conns: one(), Checks: []scenario.Check{scenario.Accepts{Field: "Accept", Value: "text/event-stream"}},
		},
		{
			Name: "http/request/token", Class: scenario.Robust, Clause: "RFC 6750 2.1", Needs: scenario.NeedToken,
			Why: "A token that is sent once is missing on the reconnect: the stream ends with 401 at the first network failure.",
			Conns: []scenario.Conn{
				{Steps: steps(scenario.Send("retry: 100\nid: 1\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: show(scenario.WithID("1", "a"))},
				finish("1", after("1")),
			},
			Checks: []scenario.Check{scenario.EachCarriesToken{}},
		},
	}
}

// responses are what a stream may look like.
func responses() []*scenario.Scenario {
	var all []*scenario.Scenario
	ok := func(name, clause, why string, c scenario.Conn) {
		c.Steps, c.Show = append(c.Steps, lastEvent()), append(c.Show, scenario.Data(last))
		all = append(all, &scenario.Scenario{Name: "http/response/" + name, Class: scenario.Standard, Clause: clause, Why: why, Conns: []scenario.Conn{c}})
	}
	const mime = processing + "; MIME Sniffing 4.4"
	ok("charset", mime, "Parameters of the content type do not matter: it is a stream with them as without.",
		scenario.Conn{ContentType: "text/event-stream; charset=utf-8"})
	ok("charset-no-blank", mime, "Parameters of the content type do not matter: it is a stream with them as without.",
		scenario.Conn{ContentType: "text/event-stream;charset=UTF-8"})
	ok("charset-other", parsing, "Streams are always UTF-8, whatever charset is named: there is no way to specify another one.",
		scenario.Conn{ContentType: "text/event-stream; charset=iso-8859-1", Steps: steps(scenario.Send("data: é\n\n")), Show: data("é")})
	ok("content-type-case", mime, "MIME types are compared without regard to case.", scenario.Conn{ContentType: "Text/Event-Stream"})
	ok("content-type-blank", mime, "White space around a content type is not part of it.", scenario.Conn{ContentType: "  text/event-stream \t"})
	ok("until-close", "RFC 9112 6.3", "A body without length and chunks lasts until the connection ends: old proxies speak so.",
		scenario.Conn{Framing: scenario.UntilClose})
	ok("http-1.0", "RFC 9110 2.5", "A response of HTTP/1.0 is a response.",
		scenario.Conn{Head: "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\n\r\n"})
	ok("no-reason", "RFC 9112 4", "The reason phrase may be empty.",
		scenario.Conn{Head: "HTTP/1.1 200 \r\nContent-Type: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"})
	ok("header-case", "RFC 9110 5.1", "Field names are compared without regard to case.",
		scenario.Conn{Head: "HTTP/1.1 200 OK\r\ncOnTeNt-tYpE:text/event-stream\r\naccess-control-allow-origin:*\r\nconnection:close\r\n\r\n"})
	ok("early-hints", "RFC 9110 15.2", "Interim responses may come before the one that counts; a client must read past them.",
		scenario.Conn{Head: "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"})
	ok("slow-head", "RFC 9110 15", "A head that takes its time is no failure.", scenario.Conn{Delay: 700 * time.Millisecond})
	ok("head-in-pieces", "RFC 9112 2", "A head may come in pieces.", scenario.Conn{
		Head: "HTTP/1.1 200 OK\r\nContent-Ty", Steps: steps(scenario.Pause(150*time.Millisecond), scenario.Wire("pe: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r"), scenario.Pause(150*time.Millisecond), scenario.Wire("\n")),
	})
	ok("chunk-extension", "RFC 9112 7.1.1", "Extensions of a chunk are not part of the data.", scenario.Conn{
		Steps: steps(scenario.Wire("9;a=b;c=\"d\"\r\ndata: a\n\n\r\n")), Show: data("a"),
	})
	ok("chunk-inside-an-event", "RFC 9112 7.1", "Chunks end where they like: they are no frames of events.", scenario.Conn{
		Steps: steps(scenario.Send("da"), scenario.Send("ta: a\n"), scenario.Send("\ndata: b\n\ndata:"), scenario.Send(" c\n\n")), Show: data("a", "b", "c"),
	})
	ok("chunk-inside-a-character", "RFC 9112 7.1; "+parsing, "A character may be split over two chunks: decoded one by one they are two broken ones.", scenario.Conn{
		Steps: steps(scenario.Send("data: \xe2\x82"), scenario.Pause(50*time.Millisecond), scenario.Send("\xac\n\n")), Show: data("€"),
	})
	ok("chunk-between-cr-and-lf", parsing, "CR LF is one line end, also when it is split over two chunks.", scenario.Conn{
		Steps: steps(scenario.Send("data: a\r"), scenario.Pause(50*time.Millisecond), scenario.Send("\ndata: b\r\n\r"), scenario.Pause(50*time.Millisecond), scenario.Send("\n")), Show: data("a\nb"),
	})
	ok("chunk-of-upper-case-length", "RFC 9112 7.1", "The length of a chunk is hexadecimal, in either case, with leading zeros.", scenario.Conn{
		Steps: steps(scenario.Wire("000A\r\ndata: aa\n\n\r\n"), scenario.Wire("0000c\r\ndata: aaaa\n\n\r\n")), Show: data("aa", "aaaa"),
	})
	ok("gzip", "RFC 9110 8.4; Fetch, HTTP-network fetch", "A client that asks for gzip must decode it as it comes, and show each event when it is complete. (One that does not ask gets the stream plain.)", scenario.Conn{
		Gzip: true, Steps: steps(scenario.Send("data: a\n\n"), scenario.Shown(1), scenario.Send("data: b\n\n"), scenario.Shown(2)), Show: data("a", "b"),
	})
	ok("many-headers", "RFC 9110 5.4", "A hundred fields are nothing unusual behind a few proxies.", scenario.Conn{Header: many("X-Field", 100)})
	all = append(all, &scenario.Scenario{
		Name: "http/response/chunked-trailer", Class: scenario.Standard, Clause: "RFC 9112 7.1.2",
		Why: "Fields may follow the last chunk. They are no data, and the stream has ended: it is asked for again.",
		Conns: []scenario.Conn{
			{Header: []scenario.Field{{Name: "Trailer", Value: "X-After"}}, Steps: steps(scenario.Send("retry: 100\nid: 1\ndata: a\n\n"), scenario.Shown(1), scenario.Step{Op: scenario.OpEnd, Text: "X-After: 1\r\n"}), Show: show(scenario.WithID("1", "a"))},
			finish("1", after("1")),
		},
	})
	return all
}

func many(name string, n int) []scenario.Field {
	var all []scenario.Field
	for i := range n {
		all = append(all, scenario.Field{Name: name + "-" + strings.Repeat("x", i%7), Value: strings.Repeat("v", 20)})
	}
	return all
}

// refused is a response that is no stream, whatever its body looks like.
func refused(status int, fields ...scenario.Field) scenario.Conn {
	return scenario.Conn{Status: status, Header: fields, Steps: steps(scenario.Send("data: from the refusal\n\n"), scenario.End())}
}

// refusals are responses that are no streams. The standard ends the connection
// there; a client that must not lose events may come back. Both pass in standard.
func refusals() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) *scenario.Scenario {
		s := &scenario.Scenario{Name: "http/refusal/" + name, Class: class, Clause: clause, Why: why, Conns: conns}
		all = append(all, s)
		return s
	}
	for _, code := range []string{"201 Created", "202 Accepted", "206 Partial Content", "400 Bad Request", "401 Unauthorized", "402 Payment Required", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "406 Not Acceptable", "409 Conflict", "410 Gone",
		"418 Teapot", "429 Too Many Requests", "451 Unavailable For Legal Reasons", "500 Internal Server Error", "501 Not Implemented", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "505 HTTP Version Not Supported", "599 Unknown"} {
		status := int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
		add(code[:3], scenario.Standard, processing+" (status is not 200)",
			code+" is no stream, although its body looks like one: what is in it must not be shown. The client ends, or comes back later.",
			refused(status), may(finish("")))
	}
	for _, c := range []struct{ name, contentType string }{
		{"html", "text/html"}, {"json", "application/json"}, {"plain", "text/plain"}, {"missing", "-"}, {"prefix", "text/event-streams"},
		{"suffix", "application/text/event-stream"}, {"other-parameter", "text/plain; x=\"text/event-stream\""}, {"octets", "application/octet-stream"},
	} {
		add("content-type-"+c.name, scenario.Standard, processing+" (Content-Type is not text/event-stream)",
			"A login page, an error page or a proxy's answer with status 200 is no stream: read as one it loses everything without a word. The client ends, or comes back later.",
			scenario.Conn{ContentType: c.contentType, Steps: steps(scenario.Send("data: from the page\n\n"), scenario.End())}, may(finish("")))
	}
	no := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) {
		add(name, class, clause, why, conns...).Over = true
	}
	nothing := scenario.Conn{Status: 204, ContentType: "-", Steps: steps(scenario.End())}
	no("204", scenario.Standard, "HTML 9.2.1 (HTTP 204 No Content)", "204 is how a server says: stop. A client that comes back asks a stream that is over for ever.", nothing)
	no("204-after-an-event", scenario.Standard, "HTML 9.2.1 (HTTP 204 No Content)", "204 is how a server says: stop, also after a reconnect.",
		scenario.Conn{Steps: steps(scenario.Send("retry: 100\nid: 1\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: show(scenario.WithID("1", "a"))}, may(nothing))
	for _, code := range []int{408, 425, 429, 500, 502, 503, 504} {
		text := string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
		add("back-after-"+text, scenario.Robust, "RFC 9110 15.5 and 15.6: the cause may pass; "+processing+" lets a client wait longer",
			"A server that restarts or is busy answers so for some seconds. A client that ends loses all that comes after, at each deploy.",
			refused(code), finish(""))
	}
	opened := scenario.Conn{Steps: steps(scenario.Send("retry: 100\nid: 1\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: show(scenario.WithID("1", "a"))}
	for _, c := range []struct {
		name, why string
		conn      scenario.Conn
	}{
		{"500", "An error during a deploy ends a client that was following happily.", refused(500)},
		{"502", "A balancer without a server answers 502 for a moment.", refused(502)},
		{"503", "A server that restarts answers 503 for a moment.", refused(503)},
		{"404", "A balancer whose new server does not know its routes yet answers 404 for a moment.", refused(404)},
		{"html", "A balancer's maintenance page comes with 200 and text/html for a moment.", scenario.Conn{ContentType: "text/html", Steps: steps(scenario.Send("<p>back soon</p>\n\n"), scenario.End())}},
	} {
		add("resumes-after-"+c.name, scenario.Robust, "A stream that was open has proved that it exists", c.why+" The last event ID must survive it: the resume begins where the stream was left.",
			opened, c.conn, finish("1", after("1")))
	}
	s := add("401-does-not-hammer", scenario.Safe, "RFC 9110 15.5.2", "A token that is refused is refused again: a client that asks for ever, without growing delays, is a denial of service by a typo.",
		refused(401), may(refused(401)), may(refused(401)), may(refused(401)), may(refused(401)))
	s.Alone, s.Checks = true, []scenario.Check{scenario.Grows{From: 2, To: 5}}
	s = add("500-ends-or-grows", scenario.Standard, processing+" (fail the connection; wait some more)", "The standard ends here; a client that comes back may do so, with growing delays, so that it does not keep down a server that is down.",
		refused(500), may(refused(500)), may(refused(500)), may(refused(500)), may(refused(500)))
	s.Alone, s.Checks = true, []scenario.Check{scenario.Grows{From: 2, To: 5}}
	return all
}

// redirects are responses that name another place.
func redirects() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) *scenario.Scenario {
		s := &scenario.Scenario{Name: "http/redirect/" + name, Class: class, Clause: clause, Why: why, Conns: conns}
		all = append(all, s)
		return s
	}
	to := func(status int, place string) scenario.Conn {
		return scenario.Conn{Status: status, ContentType: "text/plain", Header: []scenario.Field{{Name: "Location", Value: place}}, Steps: steps(scenario.Send("moved"), scenario.End())}
	}
	for _, code := range []string{"301", "302", "303", "307", "308"} {
		status := 300 + int(code[2]-'0')
		s := add(code, scenario.Standard, "HTML 9.2.1; Fetch, HTTP-redirect fetch", "Streams move: a redirect is followed as for any resource.",
			to(status, "{self}/events/moved"), finish(""))
		s.Checks = []scenario.Check{scenario.Moves{Request: 2, Target: "/events/moved"}}
	}
	add("relative", scenario.Standard, "RFC 9110 10.2.2", "A Location may be relative to the URL that was asked for.", to(307, "/events/moved?x=1"), finish("")).Checks = []scenario.Check{scenario.Moves{Request: 2, Target: "/events/moved?x=1"}}
	add("twice", scenario.Standard, "Fetch, HTTP-redirect fetch", "A redirect may lead to a redirect.", to(307, "/events/a"), to(302, "/events/b"), finish("")).Checks = []scenario.Check{scenario.Moves{Request: 3, Target: "/events/b"}}
	add("other-origin", scenario.Standard, "Fetch, HTTP-redirect fetch", "A stream may move to another server.", to(307, "{other}/events"), finish(""))
	add("no-location", scenario.Standard, "Fetch, HTTP-redirect fetch; "+processing, "A redirect to nowhere is a response whose status is not 200: what is in it must not be shown.", scenario.Conn{
		Status: 302, Steps: steps(scenario.Send("data: from the refusal\n\n"), scenario.End()),
	}, may(finish("")))
	moved := scenario.Conn{Steps: steps(scenario.Send("retry: 100\nid: 1\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: show(scenario.WithID("1", "a"))}
	add("resume-carries-id", scenario.Standard, lastEventID+"; Fetch, HTTP-redirect fetch", "The last event ID goes with the request through a redirect, or the resume begins at the wrong place.",
		moved, to(307, "/events/moved"), finish("1", after("1")))
	s := add("temporary-is-asked-again", scenario.Robust, "RFC 9110 15.4.8", "A temporary redirect holds for one request. A client that remembers it comes back to a server that was taken out of service.",
		to(307, "/events/moved"), moved, to(307, "/events/moved"), finish("1", after("1")))
	s.Checks = []scenario.Check{scenario.SameTarget{Request: 3}}
	s = add("token-to-other-origin", scenario.Safe, "Fetch, HTTP-redirect fetch (Authorization is removed); CVE-2022-1650", "Whoever can make the server redirect gets the token. Another port is another origin.",
		to(307, "{other}/events"), scenario.Conn{Carry: []scenario.Field{{Name: "Authorization", Value: scenario.Absent}}, Steps: steps(lastEvent()), Show: data(last)})
	s.Needs = scenario.NeedToken
	s = add("token-does-not-come-back", scenario.Safe, "Fetch, HTTP-redirect fetch; CVE-2024-45336", "A header that was withheld from another origin must stay withheld on the next hop from there: Go once sent it again.",
		to(307, "{other}/events"), func() scenario.Conn {
			c := to(307, "{other}/events/b")
			c.Carry = []scenario.Field{{Name: "Authorization", Value: scenario.Absent}}
			return c
		}(), scenario.Conn{Carry: []scenario.Field{{Name: "Authorization", Value: scenario.Absent}}, Steps: steps(lastEvent()), Show: data(last)})
	s.Needs = scenario.NeedToken
	s = add("token-to-other-host", scenario.Safe, "Fetch, HTTP-redirect fetch; CVE-2022-1650", "Whoever can make the server redirect gets the token.",
		to(302, "{other-host}/events"), scenario.Conn{Carry: []scenario.Field{{Name: "Authorization", Value: scenario.Absent}}, Steps: steps(lastEvent()), Show: data(last)})
	s.Needs = scenario.NeedToken
	for _, c := range []struct{ name, place string }{
		{"data-url", "data:text/event-stream,data:%20from%20the%20URL%0A%0A"}, {"file-url", "file:///etc/hostname"}, {"javascript-url", "javascript:alert(1)"},
	} {
		add("to-a-"+c.name, scenario.Safe, "Fetch, HTTP-redirect fetch (the scheme must be one of HTTP)", "A redirect must not lead out of HTTP: a server could make the client read what it can't.",
			to(302, c.place), may(finish("")))
	}
	s = add("loop", scenario.Safe, "Fetch, HTTP-redirect fetch (20 redirects)", "A redirect that leads to itself must end somewhere: a client that follows it for ever hammers the server.", to(307, "/events?hop={n}"))
	s.Rest, s.Linger, s.Most, s.Checks = &s.Conns[0], time.Second, 120, []scenario.Check{scenario.Chain{N: 20}}
	return all
}
