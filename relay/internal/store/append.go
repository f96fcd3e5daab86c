package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrConflict says that the last event under the key is not the one that was
// expected: another publisher was quicker.
var ErrConflict = errors.New("relay: another publisher has stored an event there first")

// ackTimeout is how long one try of a publish may take.
const ackTimeout = 5 * time.Second

// Append stores an event as the next one under its key, behind the one whose
// sequence is last (0: there is none). Gone is the last one that retention took
// away, where nothing is left under the key (see [Position]). It returns the event's
// sequence.
//
// The error is [ErrConflict] where the last event is another one; then nothing is
// stored. Any other error is uncertain: the event may be stored. Trying again with
// the same arguments is always right: what was stored is then a conflict, and the
// last event tells whose.
func (s *Store) Append(ctx context.Context, e *Event, last, gone uint64) (uint64, error) {
	m := s.message(e)
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(last, 10)}
	if last == 0 && gone != 0 {
		m.Header[headPrev] = []string{strconv.FormatUint(gone, 10)}
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err != nil {
		if api, ok := errors.AsType[*jetstream.APIError](err); ok {
			switch api.ErrorCode {
			case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
				return 0, ErrConflict
			}
		}
		return 0, fmt.Errorf("relay: publish for %v: %w", e.Key, err)
	}
	if ack.Duplicate { // no message id is sent, so this can't be
		return 0, fmt.Errorf("relay: publish for %v was taken for a duplicate of message %d", e.Key, ack.Sequence)
	}
	return ack.Sequence, nil
}

// Refused tells whether an error of [Store.Append] means that the same event will be
// refused again: it is larger than the server takes. A full store is none: it may be
// given room.
func Refused(err error) bool {
	if errors.Is(err, nats.ErrMaxPayload) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum
}
