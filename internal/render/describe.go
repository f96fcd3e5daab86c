package render

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/peek"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// A description is what the text format shows of an event. It is made anew from
// each one in the memory of the last, and looks into the JSON instead of decoding
// it: a person reads a few members of an event, and a stream may bring many of
// those a second.
type description struct {
	stamp   string // the timestamp of the envelope, as it came
	session string // its session, as it came
	style   console.Style
	word    string         // who speaks, or what this is; safe
	says    []console.Span // safe
	json    string         // the whole of it; safe
	whole   bool           // nothing is cut

	envelope, data members
}

// members are those of an object. What is asked for and is not there, or is
// something else, is empty.
type members []peek.Member

// text returns the text of the first of some members that has one.
func (m members) text(names ...string) string {
	for _, name := range names {
		for i := range m {
			if m[i].Name == name {
				if text, _ := peek.Text(m[i].Value); text != "" {
					return text
				}
			}
		}
	}
	return ""
}

// raw returns a member's JSON.
func (m members) raw(name string) string {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value
		}
	}
	return ""
}

func (d *description) describe(ev *Event, verbose bool) {
	d.stamp, d.session, d.json, d.says = "", "", "", d.says[:0]
	d.envelope, d.data, d.whole = d.envelope[:0], d.data[:0], verbose
	if verbose && looksLikeObject(ev.Data) {
		if compact, ok := peek.Compact(nil, ev.Data); ok {
			d.json = string(termsafe.AppendJSON(nil, string(compact)))
		}
	}
	switch {
	case ev.Mapped != nil:
		d.plain(ev.Kind, ev.Data)
	case ev.Type == "message" && looksLikeObject(ev.Data) && d.open(ev.Data):
		d.aegis()
	default:
		d.plain(ev.Type, ev.Data)
	}
}

func looksLikeObject(s string) bool { return len(s) > 0 && s[0] == '{' }

// open looks into an envelope, and tells whether it is one.
func (d *description) open(data string) (ok bool) {
	if d.envelope, ok = peek.Members(d.envelope, data); !ok {
		return false
	}
	kind := d.envelope.text("event")
	d.session, d.stamp = d.envelope.text("sessionId"), d.envelope.text("timestamp")
	if raw := d.envelope.raw("data"); looksLikeObject(raw) {
		d.data, _ = peek.Members(d.data, raw)
	}
	return kind != ""
}

// plain shows the data of an event that is no session's.
func (d *description) plain(typ, data string) {
	d.name(kindStyle(typ), typ)
	d.sayData(data)
}

// sayData shows data of any kind; JSON in colours and on one line.
func (d *description) sayData(data string) {
	if looksLikeObject(data) || strings.HasPrefix(data, "[") {
		if compact, ok := peek.Compact(nil, data); ok {
			text, more := d.cut(string(termsafe.AppendJSON(nil, string(compact))), someText)
			d.says = append(d.says, jsonSpans(text)...)
			d.say(console.Dim, more)
			return
		}
	}
	d.say(console.Plain, data)
}

// maxWord is the longest word that is shown for a kind.
const maxWord = 20

// name says who speaks, or what this is.
func (d *description) name(style console.Style, word string) {
	d.style, d.word = style, termsafe.Cut(termsafe.Line(word), maxWord)
}

// say adds text whose line feeds are its own.
func (d *description) say(style console.Style, text string) {
	if text = termsafe.Text(text); text != "" {
		d.says = append(d.says, console.Span{Style: style, Text: text})
	}
}

// sayLine adds text for a place inside a line: what has several lines loses them.
func (d *description) sayLine(style console.Style, text string) {
	if strings.ContainsAny(text, "\n\t\r") {
		text = strings.Join(strings.Fields(text), " ")
	}
	d.say(style, text)
}

// sayCut adds a text that may be long, and how much of it was left out.
func (d *description) sayCut(style console.Style, text string, most length) {
	text, more := d.cut(strings.Trim(text, "\n"), most)
	d.say(style, text)
	d.say(console.Dim, more)
}

// A length is how much of a text is shown. Speech is not cut: it is what one reads
// a session for.
type length struct{ lines, runes int }

var (
	oneLine  = length{1, 200}
	someText = length{6, 800}
	longText = length{12, 1600}
)

// cut returns the beginning of a text, and how much of it was left out.
func (d *description) cut(text string, most length) (head, more string) {
	if d.whole || len(text) <= most.runes && strings.Count(text, "\n") < most.lines {
		return text, ""
	}
	end := len(text)
	for i, lines := 0, 0; i < len(text); i++ {
		if text[i] == '\n' {
			if lines++; lines == most.lines {
				end = i
				break
			}
		}
	}
	runes := 0
	for i := range text[:end] {
		if runes++; runes > most.runes {
			return text[:i], "… " + count(countRunes(text[i:]), "more character")
		}
	}
	if end == len(text) {
		return text, ""
	}
	n := strings.Count(text[end:], "\n")
	if most.lines == 1 {
		return text[:end], " … " + count(n, "more line")
	}
	return text[:end], "\n… " + count(n, "more line")
}

// aegis shows an event of a session in its own words.
func (d *description) aegis() {
	kind := session.Kind(d.envelope.text("event"))
	switch kind = restored(kind, d.data); kind {
	case session.Message:
		d.message()
	case session.System:
		d.system()
	case session.Hook:
		d.hook()
	case session.Status:
		d.status()
	case session.PermissionDenied:
		d.name(console.Red, "denied")
		d.sayLine(console.Bold, d.data.text("toolName", "tool"))
		d.because(d.data.text("reason"))
	case session.Approval:
		d.name(console.Yellow, "approval")
		d.sayCut(console.Bold, d.data.text("prompt"), longText)
	case session.Ended:
		d.name(console.Magenta, "ended")
		d.sayLine(console.Plain, d.data.text("reason"))
	case session.Stall:
		d.stall()
	case session.Dead:
		d.name(console.Red, "dead")
		d.sayCut(console.Plain, d.data.text("reason", "detail"), someText)
	case session.SubagentStart:
		d.subagent(" starts")
	case session.SubagentStop:
		d.subagent(" is done")
	case session.Verification:
		d.verification()
	case session.SessionCreated:
		d.name(console.Blue, "created")
		d.sayObject(d.data)
	case session.Shutdown:
		d.name(console.Red, "shutdown")
		d.say(console.Plain, "the server goes down")
	case session.Connected:
		d.name(console.Dim, "connected")
		if n := d.data.raw("activeSessions"); n != "" {
			d.sayLine(console.Dim, "active sessions: "+n)
		}
	case session.Heartbeat:
		d.name(console.Dim, "heartbeat")
	default:
		d.name(kindStyle(string(kind)), strings.TrimPrefix(string(kind), "session_"))
	}
	if raw := d.envelope.raw("data"); len(d.says) == 0 && raw != "" && raw != "null" && raw != "{}" {
		if text, ok := peek.Text(raw); ok {
			raw = text
		}
		d.sayData(raw) // nothing better is known
	}
}

// restored does what [session.Envelope.SessionKind] does, from what was looked
// into already.
func restored(kind session.Kind, data members) session.Kind {
	switch kind {
	case session.SessionMessage:
		switch {
		case data.raw("hookEvent") != "" || data.raw("hook_event_name") != "":
			return session.Hook
		case data.raw("isSystem") == "true" || data.raw("role") == `"system"`:
			return session.System
		}
	case session.SessionStatusChange:
		if data.raw("toolName") != "" && data.raw("status") == "" {
			return session.PermissionDenied
		}
		return session.Status
	case session.SessionCreated:
		return kind
	}
	return session.Kind(strings.TrimPrefix(string(kind), "session_"))
}
