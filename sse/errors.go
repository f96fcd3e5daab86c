package sse

import (
	"fmt"
	"io"
)

// ErrIncomplete is returned at the end of a stream that ends inside a block. The
// block is dropped, and its id with it (standard, section 9.2.6: "if the file
// ends in the middle of an event, before the final empty line, the incomplete
// event is not dispatched"). It wraps [io.ErrUnexpectedEOF].
var ErrIncomplete = fmt.Errorf("sse: stream ended inside an event: %w", io.ErrUnexpectedEOF)

// A LimitError says that an event was longer than the decoder's limit. The
// decoder can't go on.
type LimitError struct {
	Limit int // [DecoderOptions.MaxEventSize], in bytes
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("sse: event is longer than the limit of %d bytes", e.Limit)
}

// A FieldError says which field of an event the format can't carry, and why.
type FieldError struct {
	Field  string // "id", "event", "data" or "retry"
	Reason string // "contains CR", "is negative"
}

func (e *FieldError) Error() string {
	return "sse: " + e.Field + " " + e.Reason
}
