package testserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/OneStepAt4time/resilient-sse/session"
)

// timestamps have milliseconds and are in UTC, as Aegis writes them.
const timestampFormat = "2006-01-02T15:04:05.000Z"

// appendFrame appends a session frame: what json.Marshal makes of a
// [session.Envelope], but without its allocations, for it runs under the hub's
// lock. Without a number it is a control frame. The name is JSON, and so is data.
func appendFrame(b []byte, num int64, kind session.Kind, name, data []byte, at time.Time) []byte {
	if num != 0 {
		b = append(b, "id: "...)
		b = strconv.AppendInt(b, num, 10)
		b = append(b, '\n')
	}
	b = append(b, `data: {"event":`...)
	b = appendKind(b, kind)
	if len(name) > 0 {
		b = append(b, `,"sessionId":`...)
		b = append(b, name...)
	}
	b = append(b, `,"timestamp":"`...)
	b = at.UTC().AppendFormat(b, timestampFormat)
	b = append(b, '"')
	if len(data) > 0 {
		b = append(b, `,"data":`...)
		b = append(b, data...)
	}
	b = append(b, `,"emittedAt":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	if num != 0 {
		b = append(b, `,"id":`...)
		b = strconv.AppendInt(b, num, 10)
	}
	return append(b, "}\n\n"...)
}

// appendKind appends a kind as JSON; one with odd characters takes the long way.
func appendKind(b []byte, kind session.Kind) []byte {
	for i := range len(kind) {
		if c := kind[i]; c < 'A' || c > 'z' || c == '\\' {
			return append(b, quote(string(kind))...)
		}
	}
	b = append(b, '"')
	b = append(b, kind...)
	return append(b, '"')
}

// quote returns s as JSON.
func quote(s string) []byte {
	b, _ := json.Marshal(s) // a string always can be
	return b
}

// encodeData returns an event's data as JSON on one line, for a line break would
// end the SSE line. Nil is no data.
func encodeData(data any) ([]byte, error) {
	if data == nil {
		return nil, nil
	}
	b, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("testserver: data: %w", err)
	}
	if bytes.Equal(b, []byte("null")) {
		return nil, nil
	}
	return b, nil // json.Marshal compacts raw JSON, and escapes line breaks in strings
}
