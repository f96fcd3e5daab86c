package render

import (
	"strings"
	"unicode"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/peek"
)

// hook shows what a hook tells: half of what a session sends, so one line each.
func (d *description) hook() {
	d.name(console.Dim, "hook")
	name := d.data.text("hookEvent", "hook_event_name", "hook")
	switch name {
	case "PreToolUse":
		d.say(console.Blue, "▸ ")
		d.tool()
	case "PostToolUse":
		d.mark(true)
		d.tool()
		d.outcome(d.data.raw("tool_response"))
	case "PostToolUseFailure":
		d.mark(false)
		d.tool()
		d.because(d.data.text("error", "reason", "message"))
	case "PermissionRequest":
		d.say(console.Yellow, "asks for ")
		d.tool()
	case "PermissionDenied":
		d.say(console.Red, "denied ")
		d.tool()
		d.because(d.data.text("reason", "message"))
	default:
		d.told(name)
	}
}

// hookWords are what hooks without a tool tell, and the members that say more: the
// first one that is there.
var hookWords = map[string]struct {
	words string
	more  []string
}{
	"SessionStart":       {"session starts", []string{"source"}},
	"SessionEnd":         {"session ends", []string{"reason"}},
	"UserPromptSubmit":   {"prompt", []string{"prompt"}},
	"SubagentStart":      {"subagent starts", []string{"agent_name", "agent_type"}},
	"SubagentStop":       {"subagent is done", []string{"agent_name", "agent_type"}},
	"TeammateIdle":       {"teammate is idle", []string{"teammate_name"}},
	"Notification":       {"notice", []string{"message", "title"}},
	"PreCompact":         {"compacts the context", []string{"trigger"}},
	"PostCompact":        {"context compacted", []string{"trigger"}},
	"FileChanged":        {"file changed", []string{"file_path"}},
	"CwdChanged":         {"folder changed", []string{"cwd", "new_cwd"}},
	"WorktreeCreate":     {"worktree created", []string{"worktree_path", "name"}},
	"WorktreeRemove":     {"worktree removed", []string{"worktree_path", "name"}},
	"Elicitation":        {"asks", []string{"message"}},
	"ElicitationResult":  {"is answered", []string{"message", "action"}},
	"TaskCreated":        {"task created", []string{"task_subject"}},
	"TaskCompleted":      {"task completed", []string{"task_subject"}},
	"Stop":               {"stops", []string{"stop_reason", "reason"}},
	"StopFailure":        {"stops with an error", []string{"error", "error_details", "reason"}},
	"ConfigChange":       {"configuration changed", []string{"file_path", "source"}},
	"InstructionsLoaded": {"instructions loaded", []string{"file_path"}},
}

// hookText are the members of other hooks that are worth a look.
var hookText = []string{"message", "error", "reason", "file_path", "prompt", "title", "agent_name", "cwd"}

// told shows a hook that is not about a tool.
func (d *description) told(name string) {
	w, known := hookWords[name]
	if !known {
		w.words, w.more = plainWords(name), hookText
	}
	more := d.data.text(w.more...)
	switch {
	case more == "":
		d.sayLine(console.Plain, w.words)
	case name == "Notification":
		if title := d.data.text("title"); title != "" && title != more {
			d.sayLine(console.Bold, title)
			d.say(console.Plain, ": ")
		}
		d.sayCut(console.Plain, more, someText)
	default:
		d.sayLine(console.Plain, w.words)
		d.because(more)
	}
	if name == "SessionStart" {
		d.aside("model ", d.data.text("model"))
		d.aside("in ", d.data.text("cwd"))
	}
}

// aside adds something of less interest, if there is any.
func (d *description) aside(word, text string) {
	if text != "" {
		d.sayLine(console.Dim, " · "+word+text)
	}
}

// tool shows the tool of a hook and what it is given.
func (d *description) tool() {
	d.sayLine(console.Bold, d.data.text("tool_name"))
	if arg := argument(d.data.raw("tool_input")); arg != "" {
		d.say(console.Plain, " ")
		d.sayCut(console.Plain, arg, oneLine)
	}
}

// arguments are the members of a tool's input that say what it is about.
var arguments = []string{"command", "file_path", "notebook_path", "path", "url", "query", "pattern", "description", "subject", "prompt", "skill", "question"}

// argument is what a tool's input is about.
func argument(input string) string {
	if !looksLikeObject(input) {
		return valueText(input)
	}
	object, _ := peek.Members(nil, input)
	m := members(object)
	text := m.text(arguments...)
	if pattern := m.text("pattern"); pattern != "" && pattern != text {
		return pattern + " in " + text
	}
	if text == "" {
		return valueText(input)
	}
	return text
}

// outcomes are the members of a tool's response that say how it went.
var outcomes = []string{"stdout", "stderr", "error", "content", "output", "result", "text", "message"}

// outcome shows the beginning of what a tool has answered.
func (d *description) outcome(response string) {
	text, _ := peek.Text(response)
	if looksLikeObject(response) {
		object, _ := peek.Members(nil, response)
		text = members(object).text(outcomes...)
	}
	if text = strings.TrimSpace(text); text != "" {
		d.say(console.Dim, " → ")
		d.sayDim(text)
	}
}

func (d *description) sayDim(text string) {
	head, more := d.cut(text, oneLine)
	d.say(console.Dim, head)
	d.say(console.Dim, more)
}

// plainWords turns a name as programs write it, such as bash_progress or
// PostToolUse, into words.
func plainWords(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' || unicode.IsUpper(r) }) {
		return name
	}
	var b strings.Builder
	before := ' '
	for _, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(before):
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		case unicode.IsUpper(r) && before == ' ':
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}
