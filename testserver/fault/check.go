package fault

import (
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Check says what makes no sense in a fault: a [*FieldError] or nil.
func (f Fault) Check() error { return f.spec.check() }

func (s *spec) check() error {
	k := kinds[s.Kind]
	if k == nil {
		return badField("kind", "%q is not a fault", s.Kind)
	}
	for _, check := range []func(*spec) error{k.checkMembers, checkNumbers, checkCounts, checkTexts, k.check} {
		if check == nil {
			continue
		}
		if err := check(s); err != nil {
			return err
		}
	}
	return nil
}

// members are the names of all that a fault of the kind can have.
func (k *kind) members() []string {
	all := slices.Concat(k.needs, k.takes, onAny)
	if k.stage != stageAccept {
		all = append(all, onRequest...)
	}
	if k.stage == stageBody {
		all = append(all, onBody...)
	}
	return all
}

// checkMembers compares what is set with what the kind can have.
func (k *kind) checkMembers(s *spec) error {
	fields := reflect.ValueOf(s).Elem()
	for i, name := range memberNames[1:] {
		switch set := !fields.Field(i + 1).IsZero(); {
		case set && k.stage == stageAccept && slices.Contains(onRequest, name):
			return badField(name, "%s strikes before there is a request", s.Kind)
		case set && !slices.Contains(k.members(), name):
			return badField(name, "not for a fault of kind %s", s.Kind)
		case !set && slices.Contains(k.needs, name):
			return badField(name, "must be there for a fault of kind %s", s.Kind)
		}
	}
	return nil
}

// checkNumbers refuses what is below 0, and 0 where that is nothing.
func checkNumbers(s *spec) error {
	for _, field := range []struct {
		name  string
		value *int
		least int
	}{
		{"status", s.Status, 0}, {"bytes", s.Bytes, 0}, {"events", s.Events, 1},
		{"conn", s.Conn, 1}, {"times", s.Times, 0}, {"afterEvents", s.AfterEvents, 0},
	} {
		if field.value != nil && *field.value < field.least {
			return badField(field.name, "%d is less than %d", *field.value, field.least)
		}
	}
	for _, field := range []struct {
		name  string
		value *duration
	}{
		{"afterTime", s.AfterTime}, {"retryAfter", s.RetryAfter}, {"retryAfterDate", s.RetryAfterDate},
		{"for", s.For}, {"jitter", s.Jitter}, {"every", s.Every},
	} {
		if field.value.value() < 0 {
			return badField(field.name, "%v is negative", field.value.value())
		}
	}
	if s.For != nil && *s.For == 0 && slices.Contains(kinds[s.Kind].takes, "for") {
		return badField("for", "0 is no time; leave it away for no end")
	}
	if s.AfterBytes != nil && *s.AfterBytes < 0 {
		return badField("afterBytes", "%d is negative", *s.AfterBytes)
	}
	return nil
}

func checkCounts(s *spec) error {
	switch p := s.Probability; {
	case p != nil && !(*p >= 0 && *p <= 1): // also not NaN
		return badField("probability", "%v is not in [0, 1]", *p)
	case s.Always && s.Times != nil:
		return badField("times", "%d makes no sense with always", *s.Times)
	case s.RetryAfter != nil && s.RetryAfterDate != nil:
		return badField("retryAfterDate", "makes no sense with retryAfter")
	case s.Method != nil && !strings.EqualFold(*s.Method, http.MethodGet) && !strings.EqualFold(*s.Method, http.MethodPost):
		return badField("method", "%q: only GET and POST are struck", *s.Method)
	case s.Stream != nil && *s.Stream == "":
		return badField("stream", "is empty; leave it away for any stream")
	case s.Path != nil && !strings.HasPrefix(*s.Path, "/"):
		return badField("path", "%q does not begin with a slash", *s.Path)
	}
	return nil
}

// checkTexts refuses what HTTP cannot carry.
func checkTexts(s *spec) error {
	for key, value := range s.SetHeader {
		if err := checkHeader("setHeader", key, value); err != nil {
			return err
		}
	}
	for key := range s.Header {
		if err := checkHeader("header", key, ""); err != nil {
			return err
		}
	}
	for _, key := range s.WithoutHeader {
		if err := checkHeader("withoutHeader", key, ""); err != nil {
			return err
		}
	}
	for _, field := range []struct {
		name  string
		value *string
	}{{"contentType", s.ContentType}, {"location", s.Location}} {
		if field.value != nil && strings.ContainsAny(*field.value, "\r\n\x00") {
			return badField(field.name, "has a line break or NUL")
		}
	}
	return nil
}

func checkHeader(field, key, value string) error {
	if textproto.TrimString(key) != key || key == "" || strings.ContainsAny(key, ": \r\n\x00") {
		return badField(field, "%q is not a header", key)
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return badField(field, "the value of %s has a line break or NUL", key)
	}
	return nil
}

func checkStatus(s *spec) error {
	if *s.Status < 200 || *s.Status > 599 {
		return badField("status", "%d is not in 200 to 599", *s.Status)
	}
	return nil
}

var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

var places = []string{ToSameOrigin, ToOtherPort, ToOtherHost, ToLoop, ToNone}

func checkRedirect(s *spec) error {
	if s.Status != nil && !slices.Contains(redirects, *s.Status) {
		return badField("status", "%d is not a redirect", *s.Status)
	}
	_, err := url.Parse(*s.Location)
	// A bare word is a relative URL, but one that is written so is a mistyped place.
	bare := *s.Location == "" || !strings.ContainsAny(*s.Location, "/?:#.")
	if err != nil || bare && !slices.Contains(places, *s.Location) {
		return badField("location", "%q is neither a URL nor one of %s", *s.Location, strings.Join(places, ", "))
	}
	return nil
}

func checkLineEnds(s *spec) error {
	if lineEnds[*s.Text] == nil {
		return badField("text", `%q is not "cr", "crlf" or "mixed"`, *s.Text)
	}
	return nil
}

func checkDrip(s *spec) error {
	if *s.Bytes == 0 {
		return badField("bytes", "0 bytes at a time never come to an end")
	}
	return nil
}

func checkHold(s *spec) error {
	if s.Events == nil && s.For == nil {
		return badField("events", "must be there, or for")
	}
	return nil
}

func checkText(s *spec) error {
	if !utf8.ValidString(*s.Text) {
		return badField("text", "is not UTF-8")
	}
	return nil
}

func checkRetry(s *spec) error {
	if strings.ContainsAny(*s.Text, "\r\n") {
		return badField("text", "has a line break")
	}
	return checkText(s)
}
