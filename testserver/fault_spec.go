package testserver

import (
	"cmp"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A spec is a fault's JSON form. The kinds' table says which parameters a kind
// has; conditions, triggers and counts are the same for all of a stage.
type spec struct {
	Kind string `json:"kind"`

	// Parameters.
	Status      int      `json:"status,omitempty"`
	Body        string   `json:"body,omitempty"`
	ContentType string   `json:"contentType,omitempty"`
	RetryAfter  duration `json:"retryAfter,omitempty"`
	Location    string   `json:"location,omitempty"`
	Text        string   `json:"text,omitempty"`
	Bytes       int      `json:"bytes,omitempty"`
	Events      int      `json:"events,omitempty"`
	For         duration `json:"for,omitempty"`
	Every       duration `json:"every,omitempty"`

	// Conditions on the connection.
	Stream string            `json:"stream,omitempty"`
	Conn   int               `json:"conn,omitempty"`
	Method string            `json:"method,omitempty"`
	Header map[string]string `json:"header,omitempty"`

	// When.
	AfterEvents int      `json:"afterEvents,omitempty"`
	AfterBytes  int64    `json:"afterBytes,omitempty"`
	AfterTime   duration `json:"afterTime,omitempty"`

	// How often.
	Times       int     `json:"times,omitempty"`
	Always      bool    `json:"always,omitempty"`
	Probability float64 `json:"probability,omitempty"`
}

// Members that are not parameters of a kind.
var (
	onConnection = []string{"conn", "times", "always", "probability"}
	onRequest    = []string{"stream", "method", "header"}
	onBody       = []string{"afterEvents", "afterBytes", "afterTime"}
)

// A FieldError says which member of a fault, or of a request to the control
// API, makes no sense.
type FieldError struct {
	Field  string // as it is named in JSON; "" if it is the whole
	Reason string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return "testserver: " + e.Reason
	}
	return "testserver: " + e.Field + ": " + e.Reason
}

func badField(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// check refuses a fault that makes no sense. The error is a [*FieldError].
func (s *spec) check() error {
	k := kinds[s.Kind]
	if k == nil {
		return badField("kind", "%q is not a fault", s.Kind)
	}
	if err := s.checkMembers(k); err != nil {
		return err
	}
	if err := s.checkNumbers(); err != nil {
		return err
	}
	for _, field := range []struct{ name, value string }{
		{"contentType", s.ContentType}, {"location", s.Location},
	} {
		if strings.ContainsAny(field.value, "\r\n\x00") {
			return badField(field.name, "has a line break or NUL")
		}
	}
	if k.check != nil {
		return k.check(s)
	}
	return nil
}

// checkMembers compares what is set with what the kind can have.
func (s *spec) checkMembers(k *kind) error {
	members := reflect.ValueOf(s).Elem()
	for i, name := range memberNames[1:] {
		switch set := !members.Field(i + 1).IsZero(); {
		case set && !slices.Contains(k.members(), name):
			return badField(name, "not for a fault of kind %s", s.Kind)
		case !set && slices.Contains(k.needs, name):
			return badField(name, "must be there for a fault of kind %s", s.Kind)
		}
	}
	return nil
}

// memberNames are the names in JSON, in the order of the fields.
var memberNames = jsonNames(reflect.TypeFor[spec]())

// jsonNames returns the names of a struct's fields in JSON.
func jsonNames(t reflect.Type) (names []string) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, cmp.Or(name, field.Name))
	}
	return names
}

// members are the names of all that a fault of the kind can have.
func (k *kind) members() []string {
	all := slices.Concat(k.needs, k.takes, onConnection)
	if k.stage != stageAccept {
		all = append(all, onRequest...)
	}
	if k.stage == stageBody {
		all = append(all, onBody...)
	}
	return all
}

func (s *spec) checkNumbers() error {
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"bytes", int64(s.Bytes)}, {"events", int64(s.Events)}, {"conn", int64(s.Conn)}, {"times", int64(s.Times)},
		{"afterEvents", int64(s.AfterEvents)}, {"afterBytes", s.AfterBytes}, {"afterTime", int64(s.AfterTime)},
		{"retryAfter", int64(s.RetryAfter)}, {"for", int64(s.For)}, {"every", int64(s.Every)},
	} {
		if field.value < 0 {
			return badField(field.name, "is negative")
		}
	}
	switch {
	case !(s.Probability >= 0 && s.Probability <= 1): // also not NaN
		return badField("probability", "%v is not in (0, 1]", s.Probability)
	case s.Always && s.Times != 0:
		return badField("times", "%d makes no sense with always", s.Times)
	}
	for key := range s.Header {
		if textproto.TrimString(key) != key || key == "" || strings.ContainsAny(key, ": \r\n\x00") {
			return badField("header", "%q is not a header", key)
		}
	}
	return nil
}

func checkStatus(s *spec) error {
	if s.Status < 200 || s.Status > 599 {
		return badField("status", "%d is not in 200 to 599", s.Status)
	}
	return nil
}

func checkRedirect(s *spec) error {
	switch s.Status {
	case 0, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return badField("status", "%d is not a redirect", s.Status)
	}
	if _, err := url.Parse(s.Location); err != nil {
		return badField("location", "is neither a URL nor one of the places")
	}
	return nil
}

func checkLineEnds(s *spec) error {
	switch s.Text {
	case "cr", "crlf", "mixed":
		return nil
	}
	return badField("text", `%q is not "cr", "crlf" or "mixed"`, s.Text)
}

func checkHold(s *spec) error {
	if s.Events == 0 && s.For == 0 {
		return badField("events", "must be there, or for")
	}
	return nil
}

func checkText(s *spec) error {
	if !utf8.ValidString(s.Text) {
		return badField("text", "is not UTF-8")
	}
	return nil
}

func checkRetry(s *spec) error {
	if strings.ContainsAny(s.Text, "\r\n") {
		return badField("text", "has a line break")
	}
	return checkText(s)
}

// A duration is a time whose JSON has the form of [time.ParseDuration]: "1.5s".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}
