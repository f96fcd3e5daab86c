package render

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Global is the label of the stream of all sessions.
const Global = "all"

// maxLabel is the longest label that is shown, in columns.
const maxLabel = 24

// maxLabels is how many sessions are told apart; a stream that brings more makes
// the names begin anew.
const maxLabels = 4096

// labels gives sessions short names: of a UUID its first digits, as many as tell
// it from those that were seen before.
type labels struct {
	short map[string]string // by session
	taken map[string]string // the session that has a name
}

func newLabels() *labels { return &labels{map[string]string{}, map[string]string{}} }

func (l *labels) of(session string) string {
	if s, ok := l.short[session]; ok {
		return s
	}
	if len(l.short) >= maxLabels {
		clear(l.short)
		clear(l.taken)
	}
	session = strings.Clone(session) // it is part of an event
	name := session
	if isUUID(session) {
		for _, n := range []int{8, 13, 18, 23, 36} {
			if name = session[:n]; l.taken[name] == "" {
				break
			}
		}
	}
	name = strings.Clone(cutMiddle(termsafe.Line(name), maxLabel))
	l.short[session], l.taken[name] = name, session
	return name
}

// cutMiddle keeps both ends of a name that is too long: paths differ at their end,
// hosts at their beginning.
func cutMiddle(s string, columns int) string {
	if len(s) == 36 && isUUID(s) || termsafe.Width(s) <= columns {
		return s
	}
	return shorten(s, columns)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		switch c := s[i]; {
		case dash != (c == '-'):
			return false
		case !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'):
			return false
		}
	}
	return true
}
