package hub

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// timestamps have milliseconds and are in UTC, as Aegis writes them.
const timestampFormat = "2006-01-02T15:04:05.000Z"

// AppendFrame appends a frame in our form: what json.Marshal makes of a
// [session.Envelope], but without its allocations, for it runs under the hub's lock.
// Without a number it is a control frame.
func AppendFrame(b []byte, f *Frame) []byte {
	kind := f.Kind
	if f.Stream == OfAll && f.Num != 0 { // control frames have their names on both
		kind = kind.Global()
	}
	if f.Num != 0 {
		b = append(b, "id: "...)
		b = strconv.AppendInt(b, f.Num, 10)
		b = append(b, '\n')
	}
	b = append(b, `data: {"event":`...)
	b = appendKind(b, kind)
	if len(f.Session) > 0 {
		b = append(b, `,"sessionId":`...)
		b = append(b, f.Session...)
	}
	b = append(b, `,"timestamp":"`...)
	b = f.At.UTC().AppendFormat(b, timestampFormat)
	b = append(b, '"')
	if len(f.Data) > 0 {
		b = append(b, `,"data":`...)
		b = append(b, f.Data...)
	}
	b = append(b, `,"emittedAt":`...)
	b = strconv.AppendInt(b, f.At.UnixMilli(), 10)
	if f.Num != 0 {
		b = append(b, `,"id":`...)
		b = strconv.AppendInt(b, f.Num, 10)
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

// appendVerbatim appends a frame whose data came from outside, as it is. A line break
// in the data becomes a line of its own, as the format wants it.
func appendVerbatim(b []byte, num int64, data []byte) []byte {
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, num, 10)
	b = append(b, '\n')
	if bytes.ContainsAny(data, "\r\n") {
		b, _ = sse.Event{Data: string(data)}.AppendText(b) // nothing but data: it can't fail
		return b
	}
	b = append(b, "data: "...)
	b = append(b, data...)
	return append(b, "\n\n"...)
}

// forAll returns data of a session's stream as it is on the global one: its kind is
// another there, the rest stays byte for byte. Data that is no envelope stays as it
// is.
func forAll(data []byte) []byte {
	start, end := kindMember(data)
	if start == end {
		return data
	}
	var kind session.Kind
	if json.Unmarshal(data[start:end], &kind) != nil || kind == kind.Global() {
		return data
	}
	out := append([]byte(nil), data[:start]...)
	out = appendKind(out, kind.Global())
	return append(out, data[end:]...)
}

// kindMember finds the value of the event member of a JSON object; start = end if
// there is none.
func kindMember(data []byte) (start, end int) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return 0, 0
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return 0, 0
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return 0, 0
		}
		if key == "event" {
			end := int(dec.InputOffset())
			return end - len(value), end
		}
	}
	return 0, 0
}
