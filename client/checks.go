package client

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

// validate says what makes no sense, all of it.
func (o *Options) validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("client: "+format, args...)) }
	if err := o.Backoff.Validate(); err != nil {
		errs = append(errs, err)
	}
	if m := o.Request.Method; m != "" && !validToken(m) {
		bad("Request.Method %q is not a method", m)
	} else if upper := strings.ToUpper(m); m != upper && slices.Contains(knownMethods, upper) {
		bad("Request.Method %q is not %s: methods are case-sensitive", m, upper)
	}
	for _, limit := range []struct {
		name string
		d    time.Duration
	}{
		{"HealthyAfter", o.HealthyAfter}, {"Timeouts.Prepare", o.Timeouts.Prepare}, {"Timeouts.Connect", o.Timeouts.Connect},
		{"Timeouts.Header", o.Timeouts.Header}, {"Timeouts.Idle", o.Timeouts.Idle}, {"Timeouts.Event", o.Timeouts.Event},
	} {
		if limit.d < 0 && limit.d != backoff.Off {
			bad("%s %v is neither positive nor Off", limit.name, limit.d)
		}
	}
	for name, values := range o.Request.Header {
		if !validToken(name) {
			bad("Request.Header name %q is not a field name", name)
		}
		if http.CanonicalHeaderKey(name) == lastEventID {
			bad("Request.Header has %s, which changes from attempt to attempt: use LastEventID", name)
		}
		for _, v := range values {
			if !validValue(v) { // the value may be a secret
				bad("Request.Header %s has a value with a control character", name)
			}
		}
	}
	if o.MaxEventSize < 0 {
		bad("MaxEventSize %d is negative", o.MaxEventSize)
	}
	if w := o.RepeatWindow; w > maxRepeatWindow || (w < 0 && w != backoff.Off) {
		bad("RepeatWindow %d is neither Off nor within 0 and %d", w, maxRepeatWindow)
	}
	if w := o.ServerWindow; w < 0 && w != backoff.Off {
		bad("ServerWindow %d is neither positive nor Off", w)
	}
	return errors.Join(errs...)
}

// knownMethods are those that the Fetch standard writes in capitals, whatever the
// caller wrote (section 2.2.1); here that is an error, since a server may know both.
var knownMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}

// validToken tells whether s is a token of RFC 9110, section 5.6.2.
func validToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c < 0x80 && tokenMarks[c]:
		default:
			return false
		}
	}
	return true
}

var tokenMarks = func() (marks [128]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		marks[c] = true
	}
	return marks
}()

// validValue tells whether s is a field value of RFC 9110, section 5.5.
func validValue(s string) bool {
	for _, c := range []byte(s) {
		if (c < ' ' && c != '\t') || c == 0x7F {
			return false
		}
	}
	return true
}
