package sse_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A vector is one of testdata; see the README there.
type vector struct {
	file, name string
	seed       string
	limit      int
	stream     string
	comments   []string
	events     []sse.Event
	after      []int // for each event, when it must be there; 0 if that is not checked
	end        string
	lastID     string
	retry      time.Duration
}

// outcome is what a decoder makes of a stream.
type outcome struct {
	Comments []string
	Events   []sse.Event
	End      string
	LastID   string
	Retry    time.Duration
}

func (v *vector) want() outcome {
	return outcome{Comments: v.comments, Events: v.events, End: v.end, LastID: v.lastID, Retry: v.retry}
}

// decode decodes a stream to its end.
func decode(r io.Reader, opts sse.DecoderOptions) outcome {
	var got outcome
	opts.Comment = func(text string) { got.Comments = append(got.Comments, text) }
	dec := sse.NewDecoder(r, &opts)
	for {
		ev, err := dec.Next()
		if err != nil {
			got.End, got.LastID, got.Retry = endOf(err), dec.LastEventID(), dec.Retry()
			return got
		}
		got.Events = append(got.Events, ev)
	}
}

// endOf names an error as the vectors do. An error that is none of ours is named
// by its text, which is no vector's end.
func endOf(err error) string {
	_, limit := errors.AsType[*sse.LimitError](err)
	switch {
	case err == io.EOF:
		return "clean"
	case errors.Is(err, sse.ErrIncomplete):
		return "incomplete"
	case limit:
		return "limit"
	}
	return err.Error()
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.file+"/"+v.name, func(t *testing.T) {
			opts := sse.DecoderOptions{LastEventID: v.seed, MaxEventSize: v.limit}
			check := func(how string, r io.Reader) {
				t.Helper()
				if diff := cmp.Diff(v.want(), decode(r, opts)); diff != "" {
					t.Fatalf("%q %s (-want +got):\n%s", v.stream, how, diff)
				}
			}
			check("whole", strings.NewReader(v.stream))
			check("in reads of one byte", oneByte{strings.NewReader(v.stream)})
			for seed := range uint64(32) {
				check(fmt.Sprintf("split by seed %d", seed), newSplit(v.stream, seed))
			}
			checkPromptness(t, v, opts)
		})
	}
}

// checkPromptness decodes in reads of one byte and looks how many it took.
func checkPromptness(t *testing.T, v *vector, opts sse.DecoderOptions) {
	left := strings.NewReader(v.stream)
	dec := sse.NewDecoder(oneByte{left}, &opts)
	for _, want := range v.after {
		ev, err := dec.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(v.stream) - left.Len(); want != 0 && got != want {
			t.Errorf("%q: event %q came after %d bytes, want %d", v.stream, ev.Data, got, want)
		}
	}
}

// readVectors reads all of testdata. A mistake in there is a failure: a vector
// that is misread tests nothing.
func readVectors(t testing.TB) []*vector {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var all []*vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		vs, err := parseVectors(strings.TrimSuffix(filepath.Base(file), ".txt"), text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, vs...)
	}
	return all
}

func parseVectors(file string, text []byte) ([]*vector, error) {
	var vs []*vector
	names := make(map[string]bool)
	var v *vector
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
			v = &vector{file: file, name: value}
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
		if v.end == "" {
			return nil, fmt.Errorf("vector %q has no end", v.name)
		}
	}
	return vs, lines.Err()
}

// set takes one line. The keys come in the order of the README's table, so that
// what a later one leaves out has its default.
func (v *vector) set(key, value string) (err error) {
	switch key {
	case "seed":
		err = json.Unmarshal([]byte(value), &v.seed)
		v.lastID = v.seed
	case "limit":
		v.limit, err = strconv.Atoi(value)
	case "stream":
		value, err = unescape(value)
		v.stream += value
	case "comment":
		var text string
		err = json.Unmarshal([]byte(value), &text)
		v.comments = append(v.comments, text)
	case "expect":
		err = v.expect(value)
	case "end":
		v.end = value
	case "last-event-id":
		err = json.Unmarshal([]byte(value), &v.lastID)
	case "retry":
		var ms int64
		ms, err = strconv.ParseInt(value, 10, 64)
		v.retry = time.Duration(ms) * time.Millisecond
	default:
		err = errors.New("unknown key")
	}
	return err
}

func (v *vector) expect(object string) error {
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
	v.lastID = want.LastEventID
	v.after = append(v.after, want.After)
	v.events = append(v.events, sse.Event{
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
