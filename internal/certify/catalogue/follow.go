package catalogue

import (
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// following are streams that go on while things go wrong, from the test server,
// whose replay is exact: nothing may be lost, and nothing come twice.
func following() []*scenario.Scenario {
	var all []*scenario.Scenario
	add := func(name, why string, faults ...string) *scenario.Scenario {
		s := &scenario.Scenario{
			Name: "follow/" + name, Class: scenario.Robust, Clause: lastEventID,
			Why:  why + " Each of 300 events must be shown, once and in order: the server keeps them all, and replays from Last-Event-ID on.",
			Live: &scenario.Live{Events: 300, Faults: faults},
		}
		all = append(all, s)
		return s
	}
	add("undisturbed", "A stream of a few hundred events a second.")
	add("clean-ends", "A proxy ends the response again and again.", `{"kind":"end","afterEvents":25,"always":true}`)
	add("cuts", "The connection breaks again and again.", `{"kind":"cut","afterEvents":25,"always":true}`)
	add("resets", "The connection is reset again and again: what was in the socket is lost, and must be asked for again.", `{"kind":"rst","afterEvents":25,"always":true}`)
	add("cuts-inside-events", "Each connection breaks between the last line of an event and its blank line: its id must not count.", `{"kind":"cut_inside_event","afterEvents":25,"always":true}`)
	add("cuts-inside-lines", "Each connection breaks inside a line.", `{"kind":"cut_inside_line","afterEvents":25,"always":true}`)
	add("cuts-inside-characters", "Each connection breaks inside a character.", `{"kind":"cut_inside_rune","afterEvents":25,"always":true}`)
	add("cuts-inside-chunk-heads", "Each connection breaks inside the length of a chunk.", `{"kind":"cut_inside_chunk_header","afterEvents":25,"always":true}`)
	add("slices", "The bytes come one to three at a time, and the connection breaks.", `{"kind":"slice","always":true}`, `{"kind":"cut_inside_event","afterEvents":60,"always":true}`)
	add("mixed-line-ends", "Lines end with LF, CR and CRLF in turn, each response begins with a byte order mark, and the connection breaks.",
		`{"kind":"line_ends","text":"mixed","always":true}`, `{"kind":"bom","always":true}`, `{"kind":"cut","afterEvents":40,"always":true}`)
	add("503-between", "A balancer answers 503 between two connections.", `{"kind":"cut","afterEvents":60,"always":true}`, `{"kind":"status","status":503,"header":{"Last-Event-ID":"*"},"times":3}`)
	add("empty-responses", "The server accepts and drops, a few times.", `{"kind":"cut","afterEvents":100,"always":true}`, `{"kind":"accept_then_close","header":{"Last-Event-ID":"*"},"times":3}`)
	add("bursts", "Nothing comes, and then fifty events at once.", `{"kind":"hold","events":50,"for":"300ms","afterEvents":1,"always":true}`)
	s := add("restart", "The server goes away while the stream is under way, and comes back a second later.")
	s.Live.Restart = time.Second
	s = add("stalls", "Connections fall silent without an end (idle limit 1 s, SSE_CERTIFY_IDLE).", `{"kind":"stall","afterEvents":100,"times":2}`)
	s.Idle = askedIdle
	return all
}
