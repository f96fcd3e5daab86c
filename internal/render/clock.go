package render

import (
	"strings"
	"time"
)

// A clock says what time of day it was, and remembers it: events come many to the
// second.
type clock struct {
	zone *time.Location // nil: the local one

	stamp string // the last timestamp, up to its seconds; "": none yet
	said  string // and what was said of it

	second int64 // Unix time
	text   string
}

// of returns the time of an event: that of its timestamp if there is one, else
// when it was received.
func (c *clock) of(stamp string, received time.Time) string {
	const seconds = len("2006-01-02T15:04:05")
	utc := len(stamp) > seconds && stamp[len(stamp)-1] == 'Z'
	if utc && stamp[:seconds] == c.stamp {
		return c.said
	}
	when, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return c.format(received)
	}
	said := c.format(when)
	if utc {
		c.stamp, c.said = strings.Clone(stamp[:seconds]), said // it is part of an event
	}
	return said
}

func (c *clock) format(when time.Time) string {
	if second := when.Unix(); second != c.second || c.text == "" {
		zone := c.zone
		if zone == nil {
			zone = time.Local
		}
		c.second, c.text = second, when.In(zone).Format(time.TimeOnly)
	}
	return c.text
}

// A stamper writes times with all their digits, down to the microsecond, so that
// they sort as text. What comes before the fraction it remembers.
type stamper struct {
	second int64 // Unix time
	text   string
}

func (s *stamper) append(b []byte, t time.Time) []byte {
	if second := t.Unix(); second != s.second || s.text == "" {
		s.second, s.text = second, t.UTC().Format("2006-01-02T15:04:05.")
	}
	b = append(b, s.text...)
	micros := t.Nanosecond() / 1000
	for unit := 100_000; unit > 0; unit /= 10 {
		b = append(b, byte('0'+micros/unit%10))
	}
	return append(b, 'Z')
}
