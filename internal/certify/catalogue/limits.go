package catalogue

import (
	"fmt"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// askedIdle is the idle limit that clients are asked for where silence is judged.
const askedIdle = time.Second

// liveness are connections that are open and dead, and some that only look so.
func liveness() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name string, class scenario.Class, why string, conns ...scenario.Conn) *scenario.Scenario {
		s := &scenario.Scenario{
			Name: "liveness/" + name, Class: class, Idle: askedIdle, Alone: true, Why: why, Conns: conns,
			Clause: "No clause: TCP does not tell of a peer that is gone (" + authoring + " asks servers for a comment every 15 s)",
		}
		all = append(all, s)
		return s
	}
	const dead = "A connection whose other end is gone stays open for ever. A client without an idle limit hangs there (it was asked for 1 s, SSE_CERTIFY_IDLE), and nobody is told."
	event := scenario.Send("retry: 100\nid: 1\ndata: a\n\n")
	a := show(scenario.WithID("1", "a"))
	s := add("silence-after-an-event", scenario.Robust, dead, scenario.Conn{Steps: steps(event), Show: a}, finish("1", after("1")))
	s.Checks = []scenario.Check{scenario.OneAtATime{}}
	add("silence-inside-an-event", scenario.Robust, dead+" The half event is dropped, with its id.", scenario.Conn{Steps: steps(event, scenario.Send("id: 2\ndata: ha")), Show: a}, finish("1", after("1")))
	add("silence-after-the-head", scenario.Robust, dead, scenario.Conn{}, finish(""))
	add("silence-after-a-comment", scenario.Robust, dead, scenario.Conn{Steps: steps(scenario.Send(": hello\n\n"))}, finish(""))
	add("silence-inside-the-head", scenario.Robust, dead, scenario.Conn{Head: "HTTP/1.1 200 OK\r\nContent-Ty"}, finish(""))
	add("no-response", scenario.Robust, "A server that takes the request and never answers holds the client for ever, unless that has a limit (it was asked for 1 s, SSE_CERTIFY_IDLE).", scenario.Conn{Mute: true}, finish(""))
	add("no-response-on-a-reconnect", scenario.Robust, "A server that takes the request and never answers holds the client for ever, also after the stream was open.",
		scenario.Conn{Steps: steps(event, scenario.Shown(1), scenario.End()), Show: a}, scenario.Conn{Mute: true}, finish("1", after("1")))
	add("silence-twice", scenario.Robust, dead, scenario.Conn{Steps: steps(event), Show: a}, scenario.Conn{Carry: []scenario.Field{after("1")}}, finish("1", after("1")))

	const alive = "What a server sends to keep the connection alive must do so: a client that counts events alone drops quiet streams that are well (idle limit 1 s, SSE_CERTIFY_IDLE)."
	add("comments-keep-alive", scenario.Robust, alive, scenario.Conn{Steps: steps(scenario.Send("data: a\n\n"), scenario.Beat(":\n\n", 8, 300*time.Millisecond), lastEvent()), Show: data("a", last)})
	add("blank-lines-keep-alive", scenario.Robust, alive, scenario.Conn{Steps: steps(scenario.Send("data: a\n\n"), scenario.Beat("\n", 8, 300*time.Millisecond), lastEvent()), Show: data("a", last)})
	add("bytes-keep-alive", scenario.Robust, "An event may take long to come: as long as its bytes do, the connection is alive.", scenario.Conn{
		Steps: steps(scenario.Send("data: "), scenario.Beat("x", 8, 300*time.Millisecond), scenario.Send("\n\n"), lastEvent()), Show: data("xxxxxxxx", last),
	})
	add("events-keep-alive", scenario.Robust, alive, scenario.Conn{Steps: steps(scenario.Beat("data: a\n\n", 8, 300*time.Millisecond), lastEvent()), Show: data("a", "a", "a", "a", "a", "a", "a", "a", last)})
	s = add("quiet-is-not-dead", scenario.Robust, "A stream that is quiet for less than the idle limit is well (it was asked for 3 s).", scenario.Conn{Steps: steps(scenario.Send("data: a\n\n"), scenario.Pause(1500*time.Millisecond), lastEvent()), Show: data("a", last)})
	s.Idle = 3 * time.Second

	for _, c := range []struct {
		name string
		conn scenario.Conn
	}{
		{"in-traffic", scenario.Conn{Steps: steps(scenario.Send("data: a\n\n"), scenario.Beat(":\n\n", 3, 10*time.Millisecond)), Show: data("a")}},
		{"while-waiting", scenario.Conn{Steps: steps(scenario.Send("retry: 60000\ndata: a\n\n"), scenario.Shown(1), scenario.End()), Show: data("a")}},
		{"while-connecting", scenario.Conn{Mute: true}},
	} {
		s := add("stops-"+c.name, scenario.Robust, "A client that does not end when it is told to hangs whatever wants to end with it.", c.conn)
		s.Clause, s.Idle, s.Alone = "No clause: SIGTERM, and the end of standard input", 0, false
		s.Checks = []scenario.Check{scenario.Stops{}}
	}
	return all
}

// limits are large things that a client takes, and endless ones that it must not.
func limits() []*scenario.Scenario {
	const clause = "No clause: HTML 2.1 lets implementations have limits"
	var all []*scenario.Scenario
	takes := func(name string, class scenario.Class, why string, events []scenario.Event, text ...string) {
		var s []scenario.Step
		for _, part := range text {
			s = append(s, scenario.Send(part))
		}
		clause := clause
		if class == scenario.Standard {
			clause = interpreting
		}
		all = append(all, &scenario.Scenario{
			Name: "limit/takes-" + name, Class: class, Clause: clause, Why: why,
			Conns: []scenario.Conn{{Steps: append(s, lastEvent()), Show: append(events, scenario.Data(last))}},
		})
	}
	x := func(n int) string { return strings.Repeat("0123456789abcdef", n/16) }
	for _, c := range []struct {
		name string
		size int
	}{{"5-kib", 5 << 10}, {"100-kib", 100 << 10}, {"1-mib", 1 << 20}, {"8-mib", 8 << 20}} {
		takes("an-event-of-"+c.name, scenario.Robust, "An event of this size is ordinary (a file, a picture, a long answer). A client that can't take it drops it without a word, or asks for it for ever.", data(x(c.size)), "data: "+x(c.size)+"\n\n")
	}
	takes("10000-data-lines", scenario.Robust, "An event may have many lines: a client whose time grows with their square stands still.", data(strings.TrimSuffix(strings.Repeat("0123456789\n", 10000), "\n")), strings.Repeat("data: 0123456789\n", 10000)+"\n")
	takes("100000-comments", scenario.Robust, "A stream that lives for weeks has many comments: what they leave behind adds up.", nil, strings.Repeat(":\n", 100000))
	takes("100000-unknown-fields", scenario.Robust, "Fields that the client does not know cost nothing.", nil, strings.Repeat("x: 1\n", 100000)+"\n")
	takes("100000-blank-lines", scenario.Standard, "Blank lines dispatch nothing.", nil, strings.Repeat("\n", 100000))
	takes("a-comment-of-1-mib", scenario.Robust, "A comment is ignored, however long it is: servers send padding.", nil, ":"+x(1<<20)+"\n\n")
	takes("a-field-name-of-1-mib", scenario.Robust, "A field that the client does not know is ignored, however long its name.", nil, x(1<<20)+": 1\n\n")
	takes("a-type-of-10-kib", scenario.Robust, "A type is text of any length.", []scenario.Event{scenario.Typed(x(10<<10), "", "a")}, "event: "+x(10<<10)+"\ndata: a\n\n")
	var burst strings.Builder
	var events []scenario.Event
	for i := range 2000 {
		fmt.Fprintf(&burst, "id: %d\ndata: event %d\n\n", i, i)
		events = append(events, scenario.WithID(fmt.Sprint(i), fmt.Sprint("event ", i)))
	}
	all = append(all, &scenario.Scenario{
		Name: "limit/takes-a-burst-of-2000-events", Class: scenario.Standard, Clause: interpreting,
		Why:   "Events that come at once are shown all, in their order: a queue that overflows loses them.",
		Conns: []scenario.Conn{{Steps: steps(scenario.Send(burst.String()), lastEvent()), Show: append(events, scenario.WithID("1999", last))}},
	})

	const most = 64 << 20
	endless := func(name, why string, c scenario.Conn) {
		c.Steps = append(c.Steps, scenario.End())
		all = append(all, &scenario.Scenario{
			Name: "limit/leaves-endless-" + name, Class: scenario.Safe, Clause: clause, Why: why,
			Grace: 10 * time.Second, // a client may be slow on its way to its limit
			Conns: []scenario.Conn{c}, Checks: []scenario.Check{scenario.Leaves{Request: 1, Bytes: most - 4<<20}},
		})
	}
	const memory = " A client that keeps it fills its memory until it is killed; 64 MiB are offered here."
	endless("data-line", "A line without an end."+memory, scenario.Conn{Steps: steps(scenario.Send("data: "), scenario.Flood("x", most))})
	endless("data-lines", "An event without an end."+memory, scenario.Conn{Steps: steps(scenario.Flood("data: 0123456789abcdef\n", most))})
	endless("empty-data-lines", "An event of lines without a byte: each is a line end in the data."+memory, scenario.Conn{Steps: steps(scenario.Flood("data\n", most))})
	endless("id", "An id without an end."+memory, scenario.Conn{Steps: steps(scenario.Send("id: "), scenario.Flood("x", most))})
	endless("type", "A type without an end."+memory, scenario.Conn{Steps: steps(scenario.Send("event: "), scenario.Flood("x", most))})
	endless("head", "A head without an end."+memory, scenario.Conn{Head: "HTTP/1.1 200 OK\r\n", Steps: steps(scenario.Flood("X-Field: 0123456789abcdef\r\n", most))})
	endless("refusal", "The body of a refusal has no end."+memory, scenario.Conn{Status: 500, Steps: steps(scenario.Flood("0123456789abcde\n", most))})
	all = append(all, &scenario.Scenario{
		Name: "limit/refuses-unknown-certificates", Class: scenario.Safe, Clause: "Fetch, connections; RFC 9110 4.3.4", TLS: true,
		Why:   "A certificate that nobody vouches for may be an eavesdropper's: nothing is asked for over such a connection, least of all with a token.",
		Conns: []scenario.Conn{may(scenario.Conn{Steps: steps(scenario.Send("data: from the eavesdropper\n\n"))})}, Checks: []scenario.Check{scenario.NoRequest{}},
	})
	return all
}
