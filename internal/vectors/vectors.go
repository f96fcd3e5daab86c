// Package vectors reads the files of sse/testdata: bytes of event streams, and
// what a decoder that follows the standard must make of them. Their form is
// described in the README there.
package vectors

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// Ends of a stream, as the files name them.
const (
	Clean      = "clean"      // between blocks
	Incomplete = "incomplete" // inside a block, which is dropped together with its id
	Limit      = "limit"      // an event was longer than the limit
)

// A Vector is a stream and what it decodes to.
type Vector struct {
	File, Name string
	Seed       string // the last event ID before the stream begins
	Limit      int    // on one event, in bytes; 0 is none
	Stream     string
	Comments   []string
	Events     []sse.Event
	After      []int // for each event, when it must be there, in bytes; 0 if that is not checked
	End        string
	LastID     string        // after the end
	Retry      time.Duration // after the end; 0 if the stream has set none
}

// Read reads all vectors of the files *.txt of a folder. The error names the line:
// a vector that is misread tests nothing.
func Read(dir fs.FS) ([]*Vector, error) {
	files, err := fs.Glob(dir, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []*Vector
	for _, file := range files {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		vs, err := parse(strings.TrimSuffix(file, ".txt"), text)
		if err != nil {
			return nil, fmt.Errorf("vectors: %s: %w", file, err)
		}
		all = append(all, vs...)
	}
	if len(all) == 0 {
		return nil, errors.New("vectors: there are none")
	}
	return all, nil
}

func parse(file string, text []byte) ([]*Vector, error) {
	var vs []*Vector
	names := make(map[string]bool)
	var v *Vector
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		key, value, ok := strings.Cut(lines.Text(), ": ")
		switch {
		case strings.HasPrefix(lines.Text(), "#"):
			continue
		case lines.Text() == "":
			v = nil
			continue
		case !ok:
			return nil, fmt.Errorf("line %d: no key", n)
		case key == "name":
			if v != nil || names[value] {
				return nil, fmt.Errorf("line %d: name %q inside a vector, or a second time", n, value)
			}
			names[value] = true
			v = &Vector{File: file, Name: value}
			vs = append(vs, v)
			continue
		case v == nil:
			return nil, fmt.Errorf("line %d: %s outside of a vector", n, key)
		}
		if err := v.set(key, value); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n, key, err)
		}
	}
	for _, v := range vs {
		if v.End == "" {
			return nil, fmt.Errorf("vector %q has no end", v.Name)
		}
	}
	return vs, lines.Err()
}

// set takes one line. The keys come in the order of the README's table, so that
// what a later one leaves out has its default.
func (v *Vector) set(key, value string) (err error) {
	switch key {
	case "seed":
		err = json.Unmarshal([]byte(value), &v.Seed)
		v.LastID = v.Seed
	case "limit":
		v.Limit, err = strconv.Atoi(value)
	case "stream":
		value, err = unescape(value)
		v.Stream += value
	case "comment":
		var text string
		err = json.Unmarshal([]byte(value), &text)
		v.Comments = append(v.Comments, text)
	case "expect":
		err = v.expect(value)
	case "end":
		v.End = value
	case "last-event-id":
		err = json.Unmarshal([]byte(value), &v.LastID)
	case "retry":
		var ms int64
		ms, err = strconv.ParseInt(value, 10, 64)
		v.Retry = time.Duration(ms) * time.Millisecond
	default:
		err = errors.New("unknown key")
	}
	return err
}

func (v *Vector) expect(object string) error {
	want := struct {
		Data        string `json:"data"`
		Type        string `json:"type"`
		LastEventID string `json:"lastEventId"`
		OwnID       bool   `json:"ownId"`
		Retry       int64  `json:"retry"`
		After       int    `json:"after"`
	}{Type: sse.DefaultType}
	dec := json.NewDecoder(strings.NewReader(object))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&want); err != nil {
		return err
	}
	v.LastID = want.LastEventID
	v.After = append(v.After, want.After)
	v.Events = append(v.Events, sse.Event{
		ID: want.LastEventID, HasID: want.OwnID, Type: want.Type, Data: want.Data,
		Retry: time.Duration(want.Retry) * time.Millisecond,
	})
	return nil
}

// unescape reads the escapes of a stream: \n, \r, \\ and \xHH.
func unescape(s string) (string, error) {
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(s, `\`)
		b.WriteString(text)
		if !ok {
			return b.String(), nil
		}
		switch {
		case strings.HasPrefix(rest, "n"):
			b.WriteByte('\n')
		case strings.HasPrefix(rest, "r"):
			b.WriteByte('\r')
		case strings.HasPrefix(rest, `\`):
			b.WriteByte('\\')
		case strings.HasPrefix(rest, "x") && len(rest) >= 3:
			c, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", err
			}
			b.WriteByte(byte(c))
			rest = rest[2:]
		default:
			return "", fmt.Errorf("escape \\%.1s is none", rest)
		}
		s = rest[1:]
	}
}
