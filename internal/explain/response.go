package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// response is a refusal, with what the server says about it.
func response(e *client.ResponseError) string {
	s := e.Reason
	if s == "" {
		s = fmt.Sprintf("server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	if said := Message(e.StatusCode, e.Header, e.Body); said != "" {
		s += ": " + said
	}
	return s
}

// said is how much of a server's words is shown, in columns.
const said = 200

// Message is the part of a refusal's body that a person wants, cut and not yet safe
// to show: the sentences of a JSON object, the title of a page, the first line of a
// text. It is empty where that says no more than the status.
func Message(status int, h http.Header, body []byte) string {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return ""
	}
	text := ""
	switch {
	case body[0] == '{' || body[0] == '[':
		text = jsonMessage(status, body)
	case body[0] == '<':
		if m := title.FindSubmatch(body); m != nil {
			text = strings.Join(strings.Fields(string(m[1])), " ")
		}
	case h.Get("Content-Encoding") == "" && isText(body):
		text = strings.TrimSpace(firstLine(body))
	}
	if saysStatus(status, text) {
		return ""
	}
	return termsafe.Cut(text, said)
}

var title = regexp.MustCompile(`(?is)<title[^>]*>\s*(.*?)\s*</title>`)

// saysStatus tells whether a text is no more than the status again, such as
// "503 Service Unavailable".
func saysStatus(status int, text string) bool {
	words := http.StatusText(status)
	code := fmt.Sprint(status)
	text = strings.TrimRight(strings.TrimSpace(strings.TrimPrefix(text, code)), ".")
	return strings.EqualFold(text, words) || strings.EqualFold(strings.ReplaceAll(text, "_", " "), words)
}

// jsonMessage finds sentences where servers put them. An object of another form is
// shown as it is.
func jsonMessage(status int, body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil { // the excerpt may end inside of it
		return firstLine(body)
	}
	var found []string
	repeats := false // the status, in words
	add := func(v any) {
		text, ok := v.(string)
		if text = strings.TrimSpace(text); !ok || text == "" {
			return
		}
		if saysStatus(status, text) {
			repeats = true
			return
		}
		for _, other := range found {
			if strings.Contains(other, text) {
				return
			}
		}
		found = append(found, text)
	}
	look(v, add)
	switch {
	case len(found) == 0 && repeats: // and nothing else
		return ""
	case len(found) == 0:
		var flat bytes.Buffer
		if json.Compact(&flat, body) != nil {
			return ""
		}
		return flat.String()
	case len(found) == 1:
		return found[0]
	}
	return found[0] + ": " + found[1]
}

// look goes through the members that hold sentences, most telling first.
func look(v any, add func(any)) {
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			look(v[0], add)
		}
	case string:
		add(v)
	case map[string]any:
		for _, name := range []string{"error", "errors"} {
			look(v[name], add)
		}
		for _, name := range []string{"message", "error_description", "detail", "title", "reason"} {
			add(v[name])
		}
	}
}

// isText tells whether the excerpt of a body is text, of which the end may be cut
// inside a character.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return len(b) < utf8.UTFMax && !utf8.FullRune(b)
		}
		b = b[n:]
	}
	return true
}

func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(line)
}
