package cmdline

import (
	"fmt"
	"math"
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

// parseSeconds is a duration that may also be a number of seconds, as it is elsewhere.
func parseSeconds(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 0 && n < math.MaxInt64/float64(time.Second) {
		return time.Duration(n * float64(time.Second)), nil
	}
	return parseDuration(s)
}

// parseSize is a number of bytes, with a unit or without: 1k is 1024.
func parseSize(s string) (int, error) {
	digits := strings.TrimRight(s, "kKMGiB")
	factor, ok := map[string]int{"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s[len(digits):]), "IB"), "B")]
	n, err := strconv.Atoi(digits)
	if err != nil || !ok || n < 1 || n > math.MaxInt/factor {
		return 0, fmt.Errorf("%q is not a size such as 64k or 16M", s)
	}
	return n * factor, nil
}

func showSize(n int) string {
	if n == 0 {
		return ""
	}
	for _, unit := range []struct {
		size int
		name string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "k"}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.Itoa(n/unit.size) + unit.name
		}
	}
	return strconv.Itoa(n)
}

func parseNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number, 0 or more", s)
	}
	return n, nil
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
