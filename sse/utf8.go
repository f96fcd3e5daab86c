package sse

import "unicode/utf8"

const replacement = "\uFFFD"

// appendRepaired appends src with each maximal subpart of an invalid sequence
// replaced by one U+FFFD, as the WHATWG Encoding standard's UTF-8 decoder does
// (section 8.1.1). Neither ranging over a string (one for each byte) nor
// bytes.ToValidUTF8 (one for each run) counts so.
func appendRepaired(dst, src []byte) []byte {
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, replacement...)
			n = subpart(src)
		} else {
			dst = append(dst, src[:n]...)
		}
		src = src[n:]
	}
	return dst
}

// subpart returns the length of the maximal subpart that src, an invalid
// sequence, begins with: the bytes that could still have become a rune, at
// least one.
func subpart(src []byte) int {
	need, lower, upper := 0, byte(0x80), byte(0xBF)
	switch b := src[0]; {
	case 0xC2 <= b && b <= 0xDF:
		need = 1
	case 0xE0 <= b && b <= 0xEF:
		need = 2
		if b == 0xE0 {
			lower = 0xA0 // no overlong form
		} else if b == 0xED {
			upper = 0x9F // no surrogate
		}
	case 0xF0 <= b && b <= 0xF4:
		need = 3
		if b == 0xF0 {
			lower = 0x90 // no overlong form
		} else if b == 0xF4 {
			upper = 0x8F // nothing past U+10FFFF
		}
	}
	n := 1
	for ; n <= need && n < len(src); n++ {
		if src[n] < lower || src[n] > upper {
			break
		}
		lower, upper = 0x80, 0xBF
	}
	return n
}
