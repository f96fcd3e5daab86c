package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/strict"
)

// A spec is a fault's JSON form. Members that are absent are nil, for zero means
// zero. The table of kinds says which parameters a kind has; conditions, triggers and
// counts are the same for all of a stage.
type spec struct {
	Kind string `json:"kind"`

	// Parameters.
	Status         *int              `json:"status,omitempty"`
	Body           *string           `json:"body,omitempty"`
	ContentType    *string           `json:"contentType,omitempty"`
	SetHeader      map[string]string `json:"setHeader,omitempty"`
	RetryAfter     *duration         `json:"retryAfter,omitempty"`
	RetryAfterDate *duration         `json:"retryAfterDate,omitempty"`
	Location       *string           `json:"location,omitempty"`
	Text           *string           `json:"text,omitempty"`
	Bytes          *int              `json:"bytes,omitempty"`
	Events         *int              `json:"events,omitempty"`
	For            *duration         `json:"for,omitempty"`
	Jitter         *duration         `json:"jitter,omitempty"`
	Every          *duration         `json:"every,omitempty"`

	// Conditions on the connection.
	Stream        *string           `json:"stream,omitempty"`
	Path          *string           `json:"path,omitempty"`
	Conn          *int              `json:"conn,omitempty"`
	Method        *string           `json:"method,omitempty"`
	Header        map[string]string `json:"header,omitempty"`
	WithoutHeader []string          `json:"withoutHeader,omitempty"`

	// When.
	AfterEvents *int      `json:"afterEvents,omitempty"`
	AfterBytes  *int64    `json:"afterBytes,omitempty"`
	AfterTime   *duration `json:"afterTime,omitempty"`
	EventID     *string   `json:"eventId,omitempty"`
	EventType   *string   `json:"eventType,omitempty"`

	// How often.
	Times       *int     `json:"times,omitempty"`
	Always      bool     `json:"always,omitempty"`
	Probability *float64 `json:"probability,omitempty"`
}

// Members that are not parameters of a kind.
var (
	onAny     = []string{"times", "always", "probability"}
	onRequest = []string{"conn", "stream", "path", "method", "header", "withoutHeader"}
	onBody    = []string{"afterEvents", "afterBytes", "afterTime", "eventId", "eventType"}
)

// memberNames are the names in JSON, in the order of the fields.
var memberNames = strict.Names(reflect.TypeFor[spec]())

// MarshalJSON returns the fault as the control API takes it.
func (f Fault) MarshalJSON() ([]byte, error) { return json.Marshal(f.spec) }

// UnmarshalJSON takes a fault as the control API does: a member that is unknown, is
// there twice, or makes no sense for the kind, is a [*FieldError]. Times are strings
// such as "1.5s", or numbers of milliseconds; null is absent.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var s spec
	if err := strict.Decode(b, &s); err != nil {
		e, _ := errors.AsType[*strict.Error](err)
		return &FieldError{e.Path, e.Reason}
	}
	if err := s.check(); err != nil {
		return err
	}
	f.spec = s
	return nil
}

// A FieldError says which member of a fault, or of a request to the control API,
// makes no sense.
type FieldError struct {
	Field  string // as it is named in JSON; "" if it is the whole
	Reason string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return "fault: " + e.Reason
	}
	return "fault: " + e.Field + ": " + e.Reason
}

func badField(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// A duration in JSON is text as [time.ParseDuration] takes it, or milliseconds.
type duration time.Duration

func in(d time.Duration) *duration { return new(duration(d)) }

func (d *duration) value() time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// MarshalJSON writes text.
func (d duration) MarshalJSON() ([]byte, error) {
	return []byte(strconv.Quote(time.Duration(d).String())), nil
}

// UnmarshalJSON takes text or milliseconds.
func (d *duration) UnmarshalJSON(b []byte) error {
	v, err := ParseDuration(b)
	*d = duration(v)
	return err
}

// ParseDuration decodes a duration in JSON: text as [time.ParseDuration] takes it, or a
// number of milliseconds.
func ParseDuration(b []byte) (time.Duration, error) {
	var text string
	if json.Unmarshal(b, &text) == nil {
		return time.ParseDuration(text)
	}
	var ms float64
	if err := json.Unmarshal(b, &ms); err != nil {
		return 0, err
	}
	if ns := ms * 1e6; math.Abs(ns) < math.MaxInt64 {
		return time.Duration(ns), nil
	}
	return 0, fmt.Errorf("%v ms are too many", ms)
}

// Wants says what it takes.
func (duration) Wants() string { return `a time such as "1.5s", or milliseconds` }
