// Package peek looks into JSON text without decoding it: is it JSON, what members
// has it, what does one of them say. What is shown of an event is a few members of
// it, and decoding all of them into Go values costs more than everything else that
// is done with an event.
//
// Its idea of JSON is that of encoding/json, which its tests hold it against. All
// that is returned is part of the text or made from it, and nothing is kept.
package peek

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested, as in encoding/json: the functions
// here call themselves, and a stack has an end.
const maxDepth = 10000

// Compact appends to b the one JSON value that s is, without blanks between its
// tokens, and with its numbers, escapes and duplicate names as they are. If s is
// something else, it appends nothing and ok is false.
func Compact(b []byte, s string) (_ []byte, ok bool) {
	sc := scanner{s: s}
	if !sc.whole() {
		return b, false
	}
	if !sc.blanks {
		return append(b, s...), true
	}
	for i := 0; i < len(s); {
		switch {
		case isBlank(s[i]):
			i++
		case s[i] == '"':
			end := closing(s, i)
			b = append(b, s[i:end]...)
			i = end
		default:
			b = append(b, s[i])
			i++
		}
	}
	return b, true
}

// closing returns the end of a string that is known to be one.
func closing(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// A Member is a member of an object.
type Member struct {
	Name  string
	Value string // its JSON, without blanks around it
}

// Members appends to list the members of the object that s is, in their order. If
// s is something else, it returns false.
func Members(list []Member, s string) (_ []Member, ok bool) {
	sc := scanner{s: s}
	sc.skipBlanks()
	if !sc.take('{') {
		return list, false
	}
	sc.depth++ // as [scanner.value] counts
	for first := true; ; first = false {
		sc.skipBlanks()
		if first && sc.take('}') {
			break
		}
		from := sc.i
		if !sc.str() {
			return list, false
		}
		name := s[from:sc.i]
		sc.skipBlanks()
		if !sc.take(':') {
			return list, false
		}
		sc.skipBlanks()
		from = sc.i
		if !sc.value() {
			return list, false
		}
		text, _ := Text(name)
		list = append(list, Member{text, s[from:sc.i]})
		sc.skipBlanks()
		if sc.take('}') {
			break
		}
		if !sc.take(',') {
			return list, false
		}
	}
	sc.skipBlanks()
	return list, sc.i == len(s)
}

// Elements appends to list the elements of the array that s is, in their order. If
// s is something else, it returns false.
func Elements(list []string, s string) (_ []string, ok bool) {
	sc := scanner{s: s, depth: 1}
	sc.skipBlanks()
	if !sc.take('[') {
		return list, false
	}
	for first := true; ; first = false {
		sc.skipBlanks()
		if first && sc.take(']') {
			break
		}
		from := sc.i
		if !sc.value() {
			return list, false
		}
		list = append(list, s[from:sc.i])
		sc.skipBlanks()
		if sc.take(']') {
			break
		}
		if !sc.take(',') {
			return list, false
		}
	}
	sc.skipBlanks()
	return list, sc.i == len(s)
}

// Text returns the text of the JSON string that a member's value is. It is part of
// the value unless that has escapes. If the value is something else, it returns
// false.
func Text(value string) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	inside := value[1 : len(value)-1]
	for i := range len(inside) {
		if inside[i] == '\\' {
			return unescape(inside, i), true
		}
	}
	return inside, true
}

// unescape returns a string's text, whose first escape is at i. Half of a surrogate
// pair becomes U+FFFD.
func unescape(s string, i int) string {
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			b = append(b, c)
			i++
			continue
		}
		switch c = s[i+1]; c {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r := hex4(s, i)
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf16.DecodeRune(r, hex4(s, i+2))
				if r = pair; pair != utf8.RuneError {
					i += 6
				}
			}
			b = utf8.AppendRune(b, r)
		default: // " \ /
			b = append(b, c)
		}
		i += 2
	}
	return string(b)
}

// hex4 returns what the \uXXXX at i stands for; -1 if there is none.
func hex4(s string, i int) rune {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(s[i+2:i+6], 16, 32)
	if err != nil {
		return -1
	}
	return rune(n)
}
