package cmdline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A value is a flag of any type.
type value[T any] struct {
	p        *T
	name     string
	kind     string
	parse    func(string) (T, error)
	show     func(T) string
	problems *Problems
}

func (v *value[T]) Set(s string) error {
	x, err := v.parse(s)
	if err != nil {
		v.problems.Add("%s: %v", v.name, err)
		return nil
	}
	*v.p = x
	return nil
}

func (v *value[T]) String() string {
	if v.p == nil { // pflag asks a zero value
		return ""
	}
	return v.show(*v.p)
}

func (v *value[T]) Type() string { return v.kind }

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 90s or 5m", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%s is negative", s)
	}
	return d, nil
}

// showDuration shows a default. 0 stands for a limit that is off, or for the
// client's own: the flag's text says which.
func showDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of events, 1 or more", s)
	}
	return n, nil
}

func parseRatio(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, fmt.Errorf("%q is not a number from 0 to 100", s)
	}
	return f, nil
}

// oneOf accepts one of some words.
func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if slices.Contains(words, s) {
			return s, nil
		}
		return "", fmt.Errorf("%q is not one of %s", s, strings.Join(words, ", "))
	}
}
