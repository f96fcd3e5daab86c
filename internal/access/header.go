package access

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// HeaderLines takes a header 'Name: value', or a file of them as @FILE. The value
// is left out of errors: it may be a secret.
func HeaderLines(s string) ([]string, error) {
	path, ok := strings.CutPrefix(s, "@")
	if !ok {
		return []string{s}, checkHeader(s)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []string
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := checkHeader(line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func checkHeader(line string) error {
	name, _, ok := strings.Cut(line, ":")
	switch {
	case !ok:
		return errors.New("a header is 'Name: value', and this has no colon")
	case name == "" || strings.ContainsAny(name, " \t"):
		return fmt.Errorf("%q is not a header's name", name)
	}
	return nil
}

func headerOf(lines []string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, v, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(v))
	}
	return h
}
