package render

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/peek"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// newJSON renders one object a line; on a terminal in colours. Data that is JSON
// is the value that it is, with its numbers and its duplicate names untouched;
// other data is a string.
func newJSON(o Options) Renderer {
	received := new(stamper)
	if o.TTY {
		var buf []byte
		return func(b []byte, ev *Event) ([]byte, error) {
			buf = appendObject(buf[:0], ev, received)
			for _, s := range jsonSpans(string(termsafe.AppendJSON(nil, string(buf)))) {
				b = o.Paint.Append(b, s.Style, s.Text)
			}
			return append(b, '\n'), nil
		}
	}
	return func(b []byte, ev *Event) ([]byte, error) { return append(appendObject(b, ev, received), '\n'), nil }
}

func appendObject(b []byte, ev *Event, received *stamper) []byte {
	b = appendString(append(b, `{"stream":`...), ev.Stream)
	b = appendString(append(b, `,"id":`...), ev.ID)
	b = appendString(append(b, `,"event":`...), ev.Type)
	b = append(b, `,"data":`...)
	switch {
	case ev.Mapped != nil:
		b = append(b, ev.Mapped...)
	default:
		b = appendData(b, ev.Data)
	}
	b = append(b, `,"received_at":"`...)
	b = received.append(b, ev.Received)
	b = append(b, `","attempt":`...)
	b = strconv.AppendInt(b, int64(ev.Attempt), 10)
	return append(b, '}')
}

// appendData appends data as the JSON that it is, on one line, or as a string.
func appendData(b []byte, data string) []byte {
	b, ok := peek.Compact(b, data)
	if !ok {
		b = appendString(b, data)
	}
	return b
}

// appendString appends a JSON string. Unlike Marshal it leaves <, > and & alone:
// this is no HTML.
func appendString(b []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string has no errors
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// isPlain tells whether a text is ASCII that stands for itself in a JSON string.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// jsonSpans gives a valid JSON text its colours.
func jsonSpans(s string) []console.Span {
	var spans []console.Span
	for i := 0; i < len(s); {
		n, style := jsonToken(s[i:])
		if style == console.Green && isName(s[i+n:]) {
			style = console.Blue
		}
		spans = append(spans, console.Span{Style: style, Text: s[i : i+n]})
		i += n
	}
	return spans
}

// jsonToken returns the length and the style of the first token.
func jsonToken(s string) (n int, style console.Style) {
	switch c := s[0]; {
	case c == '"':
		for n = 1; n < len(s) && s[n] != '"'; n++ {
			if s[n] == '\\' {
				n++
			}
		}
		return min(n+1, len(s)), console.Green
	case c == '-' || c >= '0' && c <= '9':
		return run(s, "+-.0123456789eE"), console.Cyan
	case c >= 'a' && c <= 'z':
		return run(s, "aeflnrstu"), console.Magenta
	}
	return max(run(s, " \n\t{}[],:"), 1), console.Plain
}

// run returns how many of the first bytes are of a set.
func run(s, set string) int {
	n := 0
	for n < len(s) && bytes.IndexByte([]byte(set), s[n]) >= 0 {
		n++
	}
	return n
}

// isName tells whether what follows a string makes it a member's name.
func isName(rest string) bool {
	n := run(rest, " \n\t")
	return n < len(rest) && rest[n] == ':'
}
