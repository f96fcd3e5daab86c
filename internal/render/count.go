package render

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// count is a number, with its thousands apart, and its noun.
func count(n int, noun string) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n == 1 {
		return s + " " + noun
	}
	return s + " " + noun + "s"
}

func countRunes(s string) int { return utf8.RuneCountInString(s) }

// milliseconds is a duration that a server gives in them, behind a word; empty if
// it gives none.
func milliseconds(word, raw string) string {
	ms, err := strconv.ParseInt(raw, 10, 64)
	switch {
	case err != nil || ms < 0:
		return ""
	case ms < 1000:
		return word + raw + "ms"
	}
	return word + strings.TrimSuffix(strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64), ".0") + "s"
}
