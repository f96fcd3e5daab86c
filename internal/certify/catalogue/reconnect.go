package catalogue

import (
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// opened is a stream that brings one event and then does what ends it. It asks for
// a short reconnection time, so that nobody has to wait for a client's default.
func opened(end ...scenario.Step) scenario.Conn {
	return scenario.Conn{
		Steps: append(steps(scenario.Send("retry: 200\nid: 1\ndata: a\n\n"), scenario.Shown(1)), end...),
		Show:  show(scenario.WithID("1", "a")),
	}
}

// reconnecting are the ways in which a connection ends. From each of them a client
// comes back.
func reconnecting() []*scenario.Scenario {
	const closed = "HTML 9.2.1 (clients will reconnect if the connection is closed); " + processing
	const failed = processing + " (a network error: reestablish the connection)"
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) {
		all = append(all, &scenario.Scenario{Name: "reconnect/" + name, Class: class, Clause: clause, Why: why, Conns: conns})
	}
	add("after-clean-end", scenario.Standard, closed, "Servers and proxies end streams all the time. A client that stops there falls silent, and nobody is told.", opened(scenario.End()), finish("1", after("1")))
	untilClose := opened(scenario.End())
	untilClose.Framing = scenario.UntilClose
	add("after-close", scenario.Standard, closed, "The end of the connection is the end of the body, and the stream goes on with the next one.", untilClose, finish("1", after("1")))
	add("after-cut", scenario.Standard, closed, "A connection that breaks between two chunks must be followed by another one.", opened(scenario.Cut()), finish("1", after("1")))
	add("after-reset", scenario.Standard, closed, "A connection that is reset must be followed by another one.", opened(scenario.Reset()), finish("1", after("1")))
	add("after-cut-inside-chunk", scenario.Standard, closed, "A connection that breaks inside a chunk must be followed by another one; the half event is dropped.",
		opened(scenario.Wire("40\r\nid: 2\ndata: half"), scenario.Cut()), finish("1", after("1")))
	add("after-cut-inside-chunk-head", scenario.Standard, closed, "A connection that breaks inside the length of a chunk must be followed by another one.", opened(scenario.Wire("4"), scenario.Cut()), finish("1", after("1")))
	add("after-empty-stream", scenario.Standard, closed, "A stream that ends before its first byte is a stream that ended.", scenario.Conn{Steps: steps(scenario.End())}, finish(""))
	add("after-comments-only", scenario.Standard, closed, "A stream that brought nothing but comments is a stream that ended.", scenario.Conn{Steps: steps(scenario.Send(": hello\n\n"), scenario.End())}, finish(""))
	add("again-and-again", scenario.Standard, closed, "The fifth end is as good as the first.",
		opened(scenario.End()), numbered(2), numbered(3), numbered(4), numbered(5), finish("5", after("5")))
	add("after-bad-chunk", scenario.Robust, failed, "A proxy that garbles a chunk must not end the client for good.", opened(scenario.Wire("zz\r\n"), scenario.Cut()), finish("1", after("1")))
	short := opened(scenario.Cut())
	short.Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 5000\r\n\r\n"
	add("after-short-body", scenario.Robust, failed, "A body that is shorter than its Content-Length is a cut stream.", short, finish("1", after("1")))
	add("after-no-response", scenario.Robust, failed, "A server that dies with the request in its hand sends nothing: the next attempt may find it alive.",
		scenario.Conn{Mute: true, Steps: steps(scenario.Cut())}, finish(""))
	add("after-reset-request", scenario.Robust, failed, "The very first attempt may fail too: a client that starts before its server is no rarity.",
		scenario.Conn{Mute: true, Steps: steps(scenario.Reset())}, finish(""))
	add("after-half-a-head", scenario.Robust, failed, "A connection that breaks inside the head must be followed by another one.",
		scenario.Conn{Head: "HTTP/1.1 200 OK\r\nContent-Ty", Steps: steps(scenario.Cut())}, finish(""))
	add("after-garbage", scenario.Robust, failed, "What is no HTTP at all comes from a port that something else has for a moment.",
		opened(scenario.End()), scenario.Conn{Head: "220 mail.example ESMTP\r\n", Steps: steps(scenario.Cut())}, finish("1", after("1")))
	add("after-no-response-later", scenario.Robust, failed, "A server that restarts takes requests and dies with them: a stream that was open goes on after that.",
		opened(scenario.End()), scenario.Conn{Mute: true, Steps: steps(scenario.Cut())}, scenario.Conn{Mute: true, Steps: steps(scenario.Reset())}, finish("1", after("1")))
	add("after-refused-connections", scenario.Robust, failed, "While a server restarts its port refuses connections: for as long as that lasts the client must try again.", opened(scenario.ShutFor(800*time.Millisecond)), finish("1", after("1")))
	endless := scenario.Conn{ContentType: "text/html", Steps: steps(scenario.Send("<p>hello</p>\n\ndata: no\n\n"))}
	for _, c := range []struct {
		name string
		conn scenario.Conn
	}{{"html", endless}, {"503", scenario.Conn{Status: 503, Steps: endless.Steps}}} {
		all = append(all, &scenario.Scenario{
			Name: "reconnect/leaves-open-" + c.name, Class: scenario.Standard, Clause: processing + " (fail the connection)",
			Why:   "A response that is no stream may have a body that never ends: a client that reads it first hangs there for good.",
			Grace: 8 * time.Second, // a client may look at the body for a while
			Conns: []scenario.Conn{c.conn, may(finish(""))}, Checks: []scenario.Check{scenario.Leaves{Request: 1, Bytes: 1 << 20}},
		})
	}
	return all
}

// numbered is a stream whose only event has the id n, asked for after the one before.
func numbered(n int) scenario.Conn {
	id := string(rune('0' + n))
	return scenario.Conn{
		Carry: []scenario.Field{after(string(rune('0' + n - 1)))},
		Steps: steps(scenario.Send("id: "+id+"\ndata: event "+id+"\n\n"), scenario.Shown(n), scenario.End()),
		Show:  show(scenario.WithID(id, "event "+id)),
	}
}

// delays are how long a client waits. They are judged by the journal alone.
func delays() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) *scenario.Scenario {
		s := &scenario.Scenario{Name: "delay/" + name, Class: class, Clause: clause, Why: why, Conns: conns, Alone: true}
		all = append(all, s)
		return s
	}
	const waits = processing + " (wait a delay equal to the reconnection time)"
	const retry = interpreting + " (retry); " + waits
	not := func(d time.Duration, c scenario.Conn) scenario.Conn {
		c.NotBefore = d
		return c
	}
	stream := func(text string) scenario.Conn {
		return scenario.Conn{Steps: steps(scenario.Send(text+"data: a\n\n"), scenario.Shown(1), scenario.End()), Show: data("a")}
	}
	const long = 1200 * time.Millisecond
	add("retry", scenario.Standard, retry, "The server says how long to wait: one that is busy asks for more. A client that does not listen makes it worse.", stream("retry: 1200\n"), not(long, finish("")))
	add("retry-without-data", scenario.Standard, retry, "The reconnection time counts although its block is no event.", stream("retry: 1200\n\n"), not(long, finish("")))
	cut := stream("retry: 1200\n")
	cut.Steps[2] = scenario.Cut()
	add("retry-after-a-cut", scenario.Standard, retry, "The reconnection time holds however the connection ends.", cut, not(long, finish("")))
	add("retry-last-counts", scenario.Standard, retry, "The last reconnection time is the one in force.", stream("retry: 100\nretry: 1200\n"), not(long, finish("")))
	add("retry-bad-is-ignored", scenario.Standard, retry, "A value that is no number is ignored; it must not undo the good one before it.", stream("retry: 1200\nretry: 10ms\nretry: -5\nretry:\nretry\nretry: 1.5\n"), not(long, finish("")))
	add("retry-in-a-cut-block", scenario.Standard, retry, "The field counts when its line is complete, although the block is dropped.", scenario.Conn{
		Steps: steps(scenario.Send("data: a\n\n"), scenario.Shown(1), scenario.Send("retry: 1200\ndata: half"), scenario.End()), Show: data("a"),
	}, not(long, finish("")))
	add("retry-lasts", scenario.Standard, retry, "The reconnection time stays in force on the next connections, until there is another one.",
		stream("retry: 900\n"), not(900*time.Millisecond, scenario.Conn{Steps: steps(scenario.Send("data: b\n\n"), scenario.Shown(2), scenario.End()), Show: data("b")}), not(900*time.Millisecond, finish("")))
	add("after-clean-end", scenario.Robust, waits, "A server that ends its streams meets all its clients again at once, unless they wait.", scenario.Conn{
		Steps: steps(scenario.Send("data: a\n\n"), scenario.Shown(1), scenario.End()), Show: data("a"),
	}, not(100*time.Millisecond, finish("")))

	const grow = processing + " (user agents might introduce an exponential backoff delay)"
	for _, c := range []struct {
		name, why string
		conn      scenario.Conn
	}{
		{"503", "A server that is down stays down under clients that ask at a fixed pace.", refused(503)},
		{"reset", "A server that resets connections is overloaded, or about to be.", scenario.Conn{Mute: true, Steps: steps(scenario.Reset())}},
		{"no-response", "A server that takes requests and drops them is about to fall over.", scenario.Conn{Mute: true, Steps: steps(scenario.Cut())}},
		{"empty-stream", "A bare 200 is no success: a server that accepts and drops at once would be asked for ever at the shortest delay.", scenario.Conn{Steps: steps(scenario.End())}},
		{"cut-stream", "A bare 200 is no success: a server that accepts and drops at once would be asked for ever at the shortest delay.", scenario.Conn{Steps: steps(scenario.Send(": hello\n\n"), scenario.Cut())}},
	} {
		s := add("grows-on-"+c.name, scenario.Robust, grow, c.why, opened(scenario.End()), c.conn, c.conn, c.conn, finish("1", after("1")))
		s.Checks = []scenario.Check{scenario.Grows{From: 2, To: 5}}
	}
	s := add("resets-after-success", scenario.Robust, grow, "An outage that is over is over: a client whose delays only ever grow is away for longer and longer.",
		opened(scenario.End()), refused(503), refused(503), refused(503), scenario.Conn{
			Carry: []scenario.Field{after("1")}, Steps: steps(scenario.Send("id: 2\ndata: b\n\n"), scenario.Shown(2), scenario.End()), Show: show(scenario.WithID("2", "b")),
		}, finish("2", after("2")))
	s.Checks = []scenario.Check{scenario.Shorter{Request: 6, Than: 5}}
	s = add("differs", scenario.Robust, grow+"; RFC 9110 is silent", "A thousand clients that lost one server at once come back at once, again and again, unless chance spreads them.",
		opened(scenario.End()), numbered(2), numbered(3), numbered(4), numbered(5), numbered(6), numbered(7), finish("7", after("7")))
	s.Checks = []scenario.Check{scenario.Spread{From: 2, To: 8}}

	const retryAfter = "RFC 9110 10.2.3 Retry-After"
	wait := func(value string) scenario.Field { return scenario.Field{Name: "Retry-After", Value: value} }
	for _, status := range []int{503, 429} {
		name := map[int]string{503: "503", 429: "429"}[status]
		add("retry-after-on-"+name, scenario.Robust, retryAfter, "The server says when it will be back. A client that asks before that is part of the load that keeps it down.", opened(scenario.End()), refused(status, wait("2")), not(2*time.Second, finish("1", after("1"))))
	}
	add("retry-after-as-a-date", scenario.Robust, retryAfter, "Retry-After may be a date.", opened(scenario.End()), refused(503, wait("{date+3s}")), not(1900*time.Millisecond, finish("1", after("1"))))
	add("retry-after-nonsense", scenario.Robust, retryAfter, "A Retry-After that makes no sense must not end the client.", opened(scenario.End()), refused(503, wait("soon")), refused(503, wait("-5")), finish("1", after("1")))

	// No more requests than these come of a client that waits.
	most := func(name, clause, why string, first scenario.Conn, rest scenario.Conn) {
		s := add(name, scenario.Safe, clause, why, first)
		s.Alone = false   // a slow machine makes delays longer only
		s.AnyShown = true // what the client makes of the streams is judged elsewhere
		s.Rest, s.Linger, s.Most = &rest, 1500*time.Millisecond, 60
		s.Checks = []scenario.Check{scenario.AtMost{N: 20, Within: 1500 * time.Millisecond}}
	}
	again := func(text string, end scenario.Step) scenario.Conn {
		return scenario.Conn{Steps: steps(scenario.Send(text), end)}
	}
	most("retry-zero", waits+" (optionally, wait some more)", "A server, or whoever can inject a line into its stream, must not be able to make its clients hammer it.", opened(scenario.End()), again("retry: 0\n\n", scenario.End()))
	most("retry-overflow", interpreting+" (retry)", "A number that overflows becomes zero or negative in careless code: then the client hammers.", scenario.Conn{
		Steps: steps(scenario.Send("retry: 18446744073709551617\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: data("a"),
	}, again("retry: 9223372036854775808\n\nretry: 4294967296\n\n", scenario.End()))
	most("hammer-on-end", waits, "A server that ends each stream at once must not be hammered.", opened(scenario.End()), again("", scenario.End()))
	most("hammer-on-reset", waits, "A server that resets each connection must not be hammered.", opened(scenario.Reset()), scenario.Conn{Mute: true, Steps: steps(scenario.Reset())})
	most("hammer-on-503", waits, "A server that is overloaded must not be hammered.", refused(503), refused(503))
	most("hammer-on-404", waits, "A stream that is not there must not be hammered.", refused(404), refused(404))
	most("hammer-on-html", waits, "A page in the place of the stream must not be hammered.", scenario.Conn{ContentType: "text/html", Steps: steps(scenario.Send("<p>"), scenario.End())}, scenario.Conn{ContentType: "text/html", Steps: steps(scenario.Send("<p>"), scenario.End())})
	most("hammer-on-garbage", waits, "A port that speaks no HTTP must not be hammered.", scenario.Conn{Head: "220 hello\r\n", Steps: steps(scenario.Cut())}, scenario.Conn{Head: "220 hello\r\n", Steps: steps(scenario.Cut())})
	most("hammer-on-events", waits, "One event for each connection is no reason to come back without a delay.", opened(scenario.End()), again("retry: 0\ndata\n\n", scenario.End()))
	return all
}

// resuming are what a reconnect carries.
func resuming() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, clause, why string, conns ...scenario.Conn) {
		all = append(all, &scenario.Scenario{Name: "resume/" + name, Class: class, Clause: clause, Why: why, Conns: conns})
	}
	from := func(text string, end scenario.Step, shown ...scenario.Event) scenario.Conn {
		return scenario.Conn{Steps: steps(scenario.Send("retry: 100\n"+text), scenario.Shown(len(shown)), end), Show: shown}
	}
	one := scenario.WithID("1", "a")
	const begin = "The resume begins at the wrong place: events are lost, or come twice."
	const event1 = "id: 1\ndata: a\n\n"
	add("after-event-without-id", scenario.Standard, lastEventID, "An event without an id leaves the last one in force. "+begin, from(event1+"data: b\n\n", scenario.End(), one, scenario.WithID("1", "b")), finish("1", after("1")))
	add("id-of-a-block-without-data", scenario.Standard, interpreting+" (dispatch)", "An id in a block without data moves the position: servers send such blocks to say where they are. "+begin, from(event1+"id: 2\n\n", scenario.End(), one), finish("2", after("2")))
	add("id-before-the-first-event", scenario.Standard, interpreting+" (dispatch)", "A position may come before any event: a stream that is cut there must resume from it. "+begin, from("id: 7\n\n", scenario.End()), finish("7", after("7")))
	add("id-of-a-cut-block", scenario.Standard, interpreting+" (end of the stream)", "A block that was cut off was not shown; its id must not count, or the event is lost for good.", from(event1+"id: 2\ndata: b\n", scenario.Cut(), one), finish("1", after("1")))
	add("id-of-a-cut-line", scenario.Standard, interpreting+" (end of the stream)", "Half an id is another id: the resume begins anywhere.", from(event1+"id: 2", scenario.Cut(), one), finish("1", after("1")))
	add("id-of-a-cut-block-alone", scenario.Standard, interpreting+" (end of the stream)", "An id whose block was not complete must not count.", from(event1+"id: 2\n", scenario.End(), one), finish("1", after("1")))
	add("id-of-a-cut-empty-block", scenario.Standard, interpreting+" (end of the stream)", "An empty id whose block was not complete must not reset the position.", from(event1+"id\n", scenario.End(), one), finish("1", after("1")))
	add("empty-id-resets", scenario.Standard, interpreting+" (id)", "An empty id means that there is nothing to resume from. A client that goes on sending the old one gets events of a stream that is gone.",
		from(event1+"id:\ndata: b\n\n", scenario.End(), one, scenario.Data("b")), finish("", live))
	add("empty-id-without-data-resets", scenario.Standard, interpreting+" (id)", "An empty id means that there is nothing to resume from, also in a block without data.", from(event1+"id\n\n", scenario.End(), one), finish("", live))
	add("reset-and-set", scenario.Standard, interpreting+" (id)", "After a reset the next id counts.", from(event1+"id:\n\nid: 5\n\n", scenario.End(), one), finish("5", after("5")))
	add("id-with-nul", scenario.Standard, interpreting+" (id)", "An id with NUL is ignored; the one before it stays in force.", from(event1+"id: 2\x003\ndata: b\n\n", scenario.End(), one, scenario.WithID("1", "b")), finish("1", after("1")))
	add("last-of-several-ids", scenario.Standard, interpreting+" (id)", "The last id of a block is the one that counts.", from("id: 1\nid: 2\ndata: a\nid: 3\n\n", scenario.End(), scenario.WithID("3", "a")), finish("3", after("3")))
	add("id-is-case-sensitive", scenario.Standard, interpreting+" (fields)", "Field names are compared exactly: Id is none.", from(event1+"Id: 2\nID: 3\ndata: b\n\n", scenario.End(), one, scenario.WithID("1", "b")), finish("1", after("1")))
	add("kept-through-an-empty-stream", scenario.Standard, lastEventID, "A connection that brings nothing leaves the position where it was. "+begin, from(event1, scenario.End(), one), scenario.Conn{Carry: []scenario.Field{after("1")}, Steps: steps(scenario.End())}, finish("1", after("1")))
	add("kept-through-a-stream-without-ids", scenario.Standard, lastEventID, "Events without ids leave the position where it was. "+begin, from(event1, scenario.End(), one), scenario.Conn{
		Carry: []scenario.Field{after("1")}, Steps: steps(scenario.Send("data: b\n\n"), scenario.Shown(2), scenario.End()), Show: show(scenario.WithID("1", "b")),
	}, finish("1", after("1")))
	add("kept-through-a-cut-block", scenario.Standard, lastEventID, "A connection that brings half an event leaves the position where it was. "+begin, from(event1, scenario.End(), one), scenario.Conn{
		Carry: []scenario.Field{after("1")}, Steps: steps(scenario.Send("id: 2\ndata: half"), scenario.End()),
	}, finish("1", after("1")))
	add("kept-through-failures", scenario.Robust, lastEventID, "Attempts that fail leave the position where it was. "+begin, from(event1, scenario.End(), one),
		scenario.Conn{Carry: []scenario.Field{after("1")}, Mute: true, Steps: steps(scenario.Reset())}, scenario.Conn{Carry: []scenario.Field{after("1")}, Mute: true, Steps: steps(scenario.Cut())}, finish("1", after("1")))
	add("moves-on", scenario.Standard, lastEventID, "The position is that of the last event, not of the first. "+begin, opened(scenario.End()), numbered(2), numbered(3), numbered(4), finish("4", after("4")))

	for _, c := range []struct{ name, id, sent, why string }{
		{"utf-8", "é€𝄞", "é€𝄞", "The header is the id encoded as UTF-8, not as Latin-1, and not percent-encoded."},
		{"invalid-utf-8", "a\xffb", "a\ufffdb", "The id is what the decoder made of it."},
		{"punctuation", `a:b,c;d="e"/%41&f=g`, `a:b,c;d="e"/%41&f=g`, "An id is opaque: nothing in it is escaped, split or quoted."},
		{"inner-blanks", "a b  c\td", "a b  c\td", "Blanks inside an id are part of it."},
		{"zero", "0", "0", "0 is an id. (To careless code it is none.)"},
		{"false", "false", "false", "Each text is an id, also one that a language takes for something else."},
		{"large-number", "123456789012345678901234567890", "123456789012345678901234567890", "An id is text: a client that makes a number of it changes it."},
		{"leading-zeros", "0012", "0012", "An id is text: a client that makes a number of it changes it."},
		{"edge-blanks", " x ", "x", "HTTP trims a header's value; what is inside stays as it is."},
		{"long", strings.Repeat("0123456789abcdef", 180), strings.Repeat("0123456789abcdef", 180), "Ids hold positions of several partitions: some KiB are in use, and cut short they are another position."},
	} {
		id := strings.ToValidUTF8(c.id, "\ufffd")
		add("id-"+c.name, scenario.Standard, lastEventID, c.why, from("id: "+c.id+"\ndata: a\n\n", scenario.End(), scenario.WithID(id, "a")), finish(id, after(c.sent)))
	}
	for _, c := range []struct{ name, id, why string }{
		{"control-characters", "a\x01\x1b[31m\x7f", "An id that no header can carry makes the next request fail in many HTTP libraries: for ever, unless the client leaves it out."},
		{"100-kib", strings.Repeat("x", 100<<10), "An id that no server takes in a header makes each resume fail: for ever, unless the client leaves it out."},
	} {
		add("back-after-id-with-"+c.name, scenario.Robust, lastEventID+"; RFC 9110 5.5", c.why, from(event1+"id: "+c.id+"\ndata: b\n\n", scenario.End(), one, scenario.WithID(c.id, "b")),
			scenario.Conn{Steps: steps(lastEvent()), Show: []scenario.Event{{Type: "message", Data: last}}})
	}

	// What a connection leaves behind must not reach into the next one.
	const fresh = parsing + " (each response is a stream of its own)"
	for _, c := range []struct{ name, before, after, why string }{
		{"line", "data: a\n\nda", "ta: x\n\ndata: b\n\n", "Half a line was completed by the next connection's first bytes."},
		{"data", "data: a\n\ndata: half\n", "data: b\n\n", "Lines of a block that was cut off turn up in the next connection's first event."},
		{"type", "data: a\n\nevent: x\n", "data: b\n\n", "The type of a block that was cut off is given to the next connection's first event."},
		{"character", "data: a\n\ndata: \xe2\x82", "data: b\n\n", "Half a character is joined to the next connection's first bytes."},
		{"cr", "data: a\n\n: x\r", "\ndata: b\n\n", "The LF that begins a connection is not the second half of the one before."},
		{"bom", "\xef\xbb\xbfdata: a\n\n", "\xef\xbb\xbfdata: b\n\n", "Each response may begin with a byte order mark: kept, it costs the first event after each reconnect."},
	} {
		add("fresh-"+c.name, scenario.Standard, fresh, c.why, scenario.Conn{
			Steps: steps(scenario.Send(c.before), scenario.Shown(1), scenario.Cut()), Show: data("a"),
		}, scenario.Conn{Steps: steps(scenario.Send(c.after), lastEvent()), Show: data("b", last)})
	}
	return all
}
