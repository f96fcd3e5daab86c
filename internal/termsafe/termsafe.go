// Package termsafe makes text that somebody else wrote safe to show on a
// terminal.
//
// A terminal obeys what it is sent: a stream that brings escape sequences could
// move the cursor, rewrite what was shown before, set the window's title, or
// have an answer typed in the user's name (CWE-150, CVE-2021-25743). Bidirectional
// controls show text in another order than it has. So everything that comes from
// a server passes through here at one point, before our own colours are added:
// control characters come out as visible escapes, and the rest as it is.
package termsafe

import (
	"unicode"
	"unicode/utf8"
)

// Text returns s for output in which line feeds and tabs are layout: they stay,
// and all other control characters are escaped.
func Text(s string) string { return safe(s, true) }

// Line returns s for a place inside a line: line feeds and tabs are escaped too.
func Line(s string) string { return safe(s, false) }

// AppendText appends [Text](s) to b.
func AppendText(b []byte, s string) []byte { return appendSafe(b, s, true, appendEscape) }

// AppendJSON appends a JSON text to b with its control characters as \u escapes,
// so that it stays the JSON it was. They can stand in its strings only; line
// feeds and tabs are taken for layout.
func AppendJSON(b []byte, json string) []byte { return appendSafe(b, json, true, appendJSONEscape) }

func safe(s string, layout bool) string {
	if clean(s, layout) {
		return s
	}
	return string(appendSafe(make([]byte, 0, len(s)+16), s, layout, appendEscape))
}

// clean tells whether s needs no escapes.
func clean(s string, layout bool) bool {
	for i := 0; i < len(s); {
		n, ok := next(s[i:], layout)
		if !ok {
			return false
		}
		i += n
	}
	return true
}

func appendSafe(b []byte, s string, layout bool, escape func([]byte, string) []byte) []byte {
	done := 0
	for i := 0; i < len(s); {
		n, ok := next(s[i:], layout)
		if !ok {
			b = append(b, s[done:i]...)
			b = escape(b, s[i:i+n])
			done = i + n
		}
		i += n
	}
	return append(b, s[done:]...)
}

// next returns the length of the first character and whether it may be shown.
// A byte that is no UTF-8 may not: 0x9B alone is an escape sequence's beginning
// to a terminal that is not set to UTF-8.
func next(s string, layout bool) (n int, ok bool) {
	if c := s[0]; c < utf8.RuneSelf {
		return 1, (c >= ' ' && c != 0x7F) || (layout && (c == '\n' || c == '\t'))
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return 1, false
	}
	return n, !dangerous(r)
}

// dangerous tells whether a character above ASCII acts on the display instead of
// being shown: C1 controls, bidirectional controls, line and paragraph
// separators, interlinear annotation, and tags, which are invisible text.
func dangerous(r rune) bool {
	switch {
	case r <= 0x9F:
		return true
	case r < 0x61C:
		return false
	case r >= 0xE0000 && r <= 0xE007F, r >= 0xFFF9 && r <= 0xFFFB, r == 0x2028, r == 0x2029:
		return true
	}
	return unicode.Is(unicode.Bidi_Control, r)
}

const hex = "0123456789abcdef"

// appendEscape appends a character as \r, \x1b, \u009b or \U000e0001; a byte that
// is no UTF-8 as \x9b.
func appendEscape(b []byte, s string) []byte {
	switch s[0] {
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if len(s) == 1 {
		return append(b, '\\', 'x', hex[s[0]>>4], hex[s[0]&15])
	}
	r, _ := utf8.DecodeRuneInString(s)
	if r > 0xFFFF {
		b = append(b, '\\', 'U')
		return appendHex(b, r, 8)
	}
	return appendHex(append(b, '\\', 'u'), r, 4)
}

// appendJSONEscape appends a character as JSON escapes it; a byte that is no
// UTF-8 as the replacement character.
func appendJSONEscape(b []byte, s string) []byte {
	r, _ := utf8.DecodeRuneInString(s)
	if r > 0xFFFF { // as a surrogate pair
		r -= 0x10000
		b = appendHex(append(b, '\\', 'u'), 0xD800+r>>10, 4)
		r = 0xDC00 + r&0x3FF
	}
	return appendHex(append(b, '\\', 'u'), r, 4)
}

func appendHex(b []byte, r rune, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hex[r>>(4*i)&15])
	}
	return b
}
