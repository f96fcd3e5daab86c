package client

import (
	"bytes"
	"time"
)

// A stamp is when a server emitted an event, in the form that servers write. It is
// compared as text and copied without an allocation. Zero: not known.
type stamp [len(stampFormat)]byte

const stampFormat = "2006-01-02T15:04:05.000Z"

// stampOf returns the stamp that a timestamp is.
func stampOf(timestamp string) (s stamp) {
	const t, dot, z = len("2006-01-02"), len("2006-01-02T15:04:05"), len(stampFormat) - 1
	if len(timestamp) == len(s) && timestamp[t] == 'T' && timestamp[dot] == '.' && timestamp[z] == 'Z' {
		copy(s[:], timestamp)
		return s
	}
	if at, err := time.Parse(time.RFC3339, timestamp); err == nil {
		return stampAt(at)
	}
	return s
}

// stampAt returns the stamp of a time; zero if it has none.
func stampAt(at time.Time) (s stamp) {
	at = at.UTC()
	if at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
		return s
	}
	at.AppendFormat(s[:0], stampFormat)
	return s
}

func (s stamp) known() bool { return s != stamp{} }

// after tells whether s is known to be later than other.
func (s stamp) after(other stamp) bool {
	return s.known() && other.known() && bytes.Compare(s[:], other[:]) > 0
}

// time returns the stamp as a time; zero if it is not known, or is none.
func (s stamp) time() time.Time {
	at, err := time.Parse(stampFormat, string(s[:]))
	if err != nil {
		return time.Time{}
	}
	return at
}
