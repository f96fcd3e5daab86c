package peek

import "encoding/json"

// Value decodes the one JSON value that s is, into what encoding/json decodes into
// an any: maps, slices, strings, bools and nil, and numbers as [json.Number]. Of
// members with the same name the last one counts. If s is something else, it
// returns false.
func Value(s string) (v any, ok bool) {
	sc := scanner{s: s}
	if !sc.whole() {
		return nil, false
	}
	d := decoder{s: s}
	return d.value(), true
}

// A decoder decodes what a scanner has found to be valid.
type decoder struct {
	s string
	i int
}

// next returns the next byte that is no blank, nor a comma or a colon: their
// places are known to be right.
func (d *decoder) next() byte {
	for isBlank(d.s[d.i]) || d.s[d.i] == ',' || d.s[d.i] == ':' {
		d.i++
	}
	return d.s[d.i]
}

func (d *decoder) value() any {
	switch d.next() {
	case '{':
		d.i++
		m := map[string]any{}
		for d.next() != '}' {
			name := d.text()
			m[name] = d.value()
		}
		d.i++
		return m
	case '[':
		d.i++
		list := []any{}
		for d.next() != ']' {
			list = append(list, d.value())
		}
		d.i++
		return list
	case '"':
		return d.text()
	case 't':
		d.i += len("true")
		return true
	case 'f':
		d.i += len("false")
		return false
	case 'n':
		d.i += len("null")
		return nil
	}
	from := d.i
	for d.i < len(d.s) && isNumeric(d.s[d.i]) {
		d.i++
	}
	return json.Number(d.s[from:d.i])
}

func (d *decoder) text() string {
	from := d.i
	d.i = closing(d.s, from)
	text, _ := Text(d.s[from:d.i])
	return text
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}
