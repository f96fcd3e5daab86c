package render

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/peek"
)

// message shows what somebody says, and tells speech from thoughts and tools.
func (d *description) message() {
	text := d.data.text("text")
	switch d.data.text("contentType") {
	case "thinking":
		d.name(console.Faint, "thinking")
		d.sayCut(console.Faint, text, longText)
	case "tool_use":
		d.name(console.Blue, "tool")
		d.toolUse(d.data.text("tool_name"), text)
	case "tool_result":
		d.name(console.Dim, "result")
		d.sayCut(console.Dim, text, someText)
	case "tool_error":
		d.name(console.Red, "failed")
		d.sayCut(console.Red, text, someText)
	case "permission_request":
		d.name(console.Yellow, "asks")
		d.sayCut(console.Bold, text, longText)
	case "progress":
		d.name(console.Dim, "progress")
		d.sayText(console.Dim, text)
	default:
		role := d.data.text("role")
		d.name(roleStyle(role), role)
		if role == "" {
			d.name(console.Green, "message")
		}
		d.say(console.Plain, strings.Trim(text, "\n"))
		if len(d.says) == 0 && d.data.raw("text") != "" {
			d.say(console.Dim, "(no text)")
		}
	}
}

func roleStyle(role string) console.Style {
	switch role {
	case "user":
		return console.Cyan
	case "system":
		return console.Dim
	}
	return console.Green
}

// toolUse shows a call in the form that Aegis gives it: a picture, the tool's name
// in bold, and the argument as code.
func (d *description) toolUse(tool, text string) {
	if tool != "" {
		if _, rest, ok := strings.Cut(text, "**"+tool+"**"); ok {
			text = rest
		}
		d.sayLine(console.Bold, tool)
		d.say(console.Plain, " ")
	}
	text = strings.TrimSpace(text)
	if n := len(text); n > 2 && text[0] == '`' && text[n-1] == '`' && strings.Count(text, "`") == 2 {
		text = text[1 : n-1]
	}
	d.sayCut(console.Plain, text, someText)
}

// system shows what the program around the session says.
func (d *description) system() {
	d.name(console.Dim, "system")
	text := d.data.text("text")
	if d.data.text("contentType") == "tool_error" {
		d.sayCut(console.Red, text, someText)
		return
	}
	d.sayText(console.Dim, text)
}

// sayText says a text, and where that is an object says what its members say.
func (d *description) sayText(style console.Style, text string) {
	if looksLikeObject(text) {
		if object, ok := peek.Members(nil, text); ok {
			d.sayObject(object)
			return
		}
	}
	d.sayCut(style, text, someText)
}

func (d *description) status() {
	d.name(console.Blue, "status")
	status := d.data.text("status")
	d.sayLine(statusStyle(status), plainWords(status))
	d.because(d.data.text("detail"))
}

// statusStyle tells at a glance whether somebody has to do something.
func statusStyle(status string) console.Style {
	switch status {
	case "idle", "unknown", "settings":
		return console.Bold
	case "working", "compacting", "plan_mode":
		return console.Green
	case "error", "dead", "stalled":
		return console.Red
	}
	return console.Yellow // permission_prompt, ask_question, waiting_for_input, …
}

// because adds a reason behind a colon, if there is one. The colon goes with the
// word before it, for a line may break between two spans.
func (d *description) because(reason string) {
	if reason == "" {
		return
	}
	if n := len(d.says); n > 0 {
		d.says[n-1].Text += ":"
		d.say(console.Plain, " ")
	}
	d.sayCut(console.Plain, reason, someText)
}

func (d *description) stall() {
	d.name(console.Red, "stall")
	d.sayLine(console.Bold, plainWords(d.data.text("stallType")))
	d.because(d.data.text("detail"))
}

func (d *description) subagent(does string) {
	d.name(console.Magenta, "subagent")
	if name := d.data.text("agentName", "name"); name != "" {
		d.sayLine(console.Bold, name)
		d.say(console.Plain, does)
	}
}

// verification shows each step with how it went, and what those say that failed.
func (d *description) verification() {
	d.name(console.Magenta, "verify")
	steps, _ := peek.Elements(nil, d.data.raw("steps"))
	if len(steps) == 0 {
		ok := d.data.raw("ok") == "true"
		d.mark(ok)
		summary := d.data.text("summary")
		switch {
		case summary != "":
		case ok:
			summary = "passed"
		default:
			summary = "failed"
		}
		d.sayLine(console.Plain, summary)
		return
	}
	var failed []members
	for i, raw := range steps {
		step, _ := peek.Members(nil, raw)
		m := members(step)
		if i > 0 {
			d.say(console.Dim, " · ")
		}
		ok := m.raw("ok") == "true"
		d.mark(ok)
		d.sayLine(console.Plain, m.text("name"))
		d.sayLine(console.Dim, milliseconds(" ", m.raw("durationMs")))
		if !ok {
			failed = append(failed, m)
		}
	}
	d.sayLine(console.Dim, milliseconds(" · all ", d.data.raw("totalDurationMs")))
	for _, m := range failed {
		if said := strings.TrimSpace(m.text("error", "output")); said != "" {
			d.say(console.Red, "\n"+m.text("name")+": ")
			d.sayCut(console.Plain, said, someText)
		}
	}
}

// mark shows how something went.
func (d *description) mark(ok bool) {
	if ok {
		d.say(console.Green, "✓ ")
		return
	}
	d.say(console.Red, "✗ ")
}

// sayObject says what the members of an object say, each behind its name; of a
// text that is what it is all about the name is left out.
func (d *description) sayObject(object members) {
	first := true
	for _, m := range object {
		text := valueText(m.Value)
		if text == "" {
			continue
		}
		switch m.Name {
		case "type", "kind":
			text = plainWords(text)
		case "output", "message", "content", "text", "detail":
		default:
			text = plainWords(m.Name) + " " + text
		}
		if !first {
			d.say(console.Dim, " · ")
		}
		first = false
		d.sayCut(console.Dim, text, someText)
	}
}

// valueText is a value as text: empty for null and what is empty.
func valueText(raw string) string {
	if text, ok := peek.Text(raw); ok {
		return text
	}
	switch raw {
	case "null", "{}", "[]":
		return ""
	}
	if list, ok := peek.Elements(nil, raw); ok {
		texts := make([]string, 0, len(list))
		for _, e := range list {
			text := ""
			if object, ok := peek.Members(nil, e); ok {
				text = members(object).text("content", "title", "name", "subject", "description", "text")
			}
			if text == "" {
				text = valueText(e)
			}
			if text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, ", ")
	}
	if object, ok := peek.Members(nil, raw); ok {
		texts := make([]string, 0, len(object))
		for _, m := range object {
			if text := valueText(m.Value); text != "" {
				texts = append(texts, plainWords(m.Name)+" "+text)
			}
		}
		return strings.Join(texts, ", ")
	}
	return raw
}
