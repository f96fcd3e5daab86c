package sse

import (
	"encoding/base64"
	"strconv"

	wire "github.com/OneStepAt4time/resilient-sse/sse"
)

// message turns an event of the wire into r3labs'.
func (s *subscription) message(ev wire.Event) *Event {
	msg := &Event{Data: []byte(ev.Data)}
	if ev.ID != "" {
		msg.ID = []byte(ev.ID)
	}
	switch ev.Type {
	case wire.DefaultType: // there was none
	case spelledOut:
		msg.Event = []byte(wire.DefaultType)
	default:
		msg.Event = []byte(ev.Type)
	}
	if ev.Retry > 0 {
		msg.Retry = strconv.AppendInt(nil, ev.Retry.Milliseconds(), 10)
	}
	if s.now.encodingBase64 {
		if data, err := base64.StdEncoding.DecodeString(ev.Data); err == nil {
			msg.Data = data
		}
	}
	return msg
}
