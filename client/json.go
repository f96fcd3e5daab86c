package client

import (
	"encoding/json"
	"fmt"
	"iter"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A DecodeError says that an event's data could not be decoded. It spoils that
// event alone.
type DecodeError struct {
	Event sse.Event
	Err   error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("client: decode data of event %q: %v", e.Event.ID, e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// JSON decodes the data of events while they are ranged over. An event that
// can't be decoded is yielded as a [*DecodeError], and the stream goes on: the
// body chooses whether to continue, which skips the event, or to stop. Any other
// error is in the last pair, as [EventSource.Events] says.
//
//	for m, err := range client.JSON[Message](es.Events(ctx)) {
//		if bad, ok := errors.AsType[*client.DecodeError](err); ok {
//			log.Print(bad)
//			continue
//		}
//		…
//	}
func JSON[T any](events iter.Seq2[sse.Event, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for ev, err := range events {
			var v T
			if err == nil {
				if e := json.Unmarshal([]byte(ev.Data), &v); e != nil {
					v, err = *new(T), &DecodeError{Event: ev, Err: e}
				}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
