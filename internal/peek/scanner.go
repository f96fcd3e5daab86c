package peek

// A scanner passes over JSON text.
//
//	0 ≤ i ≤ len(s); s[:i] was valid so far
type scanner struct {
	s      string
	i      int
	depth  int
	blanks bool // there were some between tokens
}

// whole tells whether the text is one value and blanks.
func (sc *scanner) whole() bool {
	sc.skipBlanks()
	if !sc.value() {
		return false
	}
	sc.skipBlanks()
	return sc.i == len(sc.s)
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (sc *scanner) skipBlanks() {
	if sc.i < len(sc.s) && sc.s[sc.i] <= ' ' {
		for sc.i < len(sc.s) && isBlank(sc.s[sc.i]) {
			sc.i++
			sc.blanks = true
		}
	}
}

// take passes over one character, if it is that one.
func (sc *scanner) take(c byte) bool {
	if sc.i == len(sc.s) || sc.s[sc.i] != c {
		return false
	}
	sc.i++
	return true
}

// value passes over a value. It returns false where there is none.
func (sc *scanner) value() bool {
	if sc.i == len(sc.s) {
		return false
	}
	switch sc.s[sc.i] {
	case '"':
		return sc.str()
	case '{':
		return sc.list('}', true)
	case '[':
		return sc.list(']', false)
	case 't':
		return sc.word("true")
	case 'f':
		return sc.word("false")
	case 'n':
		return sc.word("null")
	}
	return sc.number()
}

// list passes over an object or an array.
func (sc *scanner) list(end byte, named bool) bool {
	sc.depth++
	if sc.depth > maxDepth {
		return false
	}
	sc.i++
	sc.skipBlanks()
	if sc.take(end) {
		sc.depth--
		return true
	}
	for {
		if named {
			if !sc.str() {
				return false
			}
			sc.skipBlanks()
			if !sc.take(':') {
				return false
			}
			sc.skipBlanks()
		}
		if !sc.value() {
			return false
		}
		sc.skipBlanks()
		if sc.take(end) {
			sc.depth--
			return true
		}
		if !sc.take(',') {
			return false
		}
		sc.skipBlanks()
	}
}

func (sc *scanner) word(w string) bool {
	if len(sc.s)-sc.i < len(w) || sc.s[sc.i:sc.i+len(w)] != w {
		return false
	}
	sc.i += len(w)
	return true
}

// ordinary has the bytes that a string may hold as they are.
var ordinary = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// str passes over a string.
func (sc *scanner) str() bool {
	s, i := sc.s, sc.i
	if i == len(s) || s[i] != '"' {
		return false
	}
	for i++; i < len(s); i++ {
		if ordinary[s[i]] {
			continue
		}
		if s[i] == '"' {
			sc.i = i + 1
			return true
		}
		if s[i] != '\\' {
			return false
		}
		n := escape(s[i:])
		if n == 0 {
			return false
		}
		i += n - 1
	}
	return false
}

// escape returns the length of the escape that s begins with; 0 if there is none.
func escape(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(s, 0) >= 0 {
			return 6
		}
	}
	return 0
}

// number passes over a number, as RFC 8259, section 6, has it.
func (sc *scanner) number() bool {
	sc.take('-')
	if !sc.take('0') && !sc.digits() {
		return false
	}
	if sc.take('.') && !sc.digits() {
		return false
	}
	if sc.take('e') || sc.take('E') {
		if !sc.take('+') {
			sc.take('-')
		}
		return sc.digits()
	}
	return true
}

// digits passes over at least one digit.
func (sc *scanner) digits() bool {
	from := sc.i
	for sc.i < len(sc.s) && sc.s[sc.i] >= '0' && sc.s[sc.i] <= '9' {
		sc.i++
	}
	return sc.i > from
}
