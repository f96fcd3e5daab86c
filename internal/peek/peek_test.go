package peek_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/peek"
)

var texts = []string{
	``, ` `, `null`, `true`, `fals`, `nul`, `0`, `-0`, `01`, `1.`, `.5`, `-`, `1e`, `1E+5`, `12345678901234567890`, `1.50`,
	`""`, `"a`, `"a\`, `"\u00e9\ud83d\ude00\ud83d\n\ud83dx\u0000"`, `"\x"`, `"\u12"`, "\"\x1f\"", "\"\x7f\u2028\"", `"\"\\\/\b\f\n\r\t"`,
	`{}`, `[]`, `{"a":1}`, ` { "a" : [ 1 , "b c" , { } ] , "a" : null } `, `{"a":1,}`, `[1,]`, `{a:1}`, `{"a"}`, `[1 2]`, `{"a":1}}`, `[[]`,
	`{"event":"message","data":{"text":"a\nb"},"id":7}`, "{\r\n\t\"a\": \"\\\"}\"\n}", `1 2`, "\ufeff1", `{"":""}`,
}

func FuzzLikeEncodingJSON(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) { // what encoding/json replaces; events are UTF-8
			return
		}
		valid := json.Valid([]byte(s))
		compact, ok := peek.Compact([]byte("x"), s)
		if ok != valid {
			t.Fatalf("Compact(%q): got %v, want %v", s, ok, valid)
		}
		var want bytes.Buffer
		want.WriteByte('x')
		if valid {
			json.Compact(&want, []byte(s))
		}
		if string(compact) != want.String() {
			t.Errorf("Compact(%q): got %q, want %q", s, compact, &want)
		}
		value, ok := peek.Value(s)
		if ok != valid {
			t.Fatalf("Value(%q): got %v, want %v", s, ok, valid)
		}
		var wantValue any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		dec.Decode(&wantValue)
		if valid {
			if diff := cmp.Diff(wantValue, value); diff != "" {
				t.Errorf("Value(%q) (-want +got):\n%s", s, diff)
			}
		}
		members, ok := peek.Members(nil, s)
		object, isObject := wantValue.(map[string]any)
		if ok != (valid && isObject) {
			t.Fatalf("Members(%q): got %v, want %v", s, ok, valid && isObject)
		}
		if ok {
			got := map[string]any{}
			for _, m := range members {
				got[m.Name], _ = peek.Value(m.Value)
			}
			if diff := cmp.Diff(object, got); diff != "" {
				t.Errorf("Members(%q) (-want +got):\n%s", s, diff)
			}
		}
		elements, ok := peek.Elements(nil, s)
		array, isArray := wantValue.([]any)
		if ok != (valid && isArray) || ok && len(elements) != len(array) {
			t.Errorf("Elements(%q): got %q, %v, want %d", s, elements, ok, len(array))
		}
	})
}

func TestDepth(t *testing.T) {
	for _, n := range []int{10000, 10001} {
		s := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		want := json.Valid([]byte(s))
		if _, ok := peek.Compact(nil, s); ok != want {
			t.Errorf("Compact, %d deep: got %v, want %v", n, ok, want)
		}
		if _, ok := peek.Members(nil, s); ok != want {
			t.Errorf("Members, %d deep: got %v, want %v", n, ok, want)
		}
	}
}

func TestTextOfSomethingElse(t *testing.T) {
	for _, s := range []string{``, `"`, `1`, `{}`, `null`, `["a"]`} {
		if text, ok := peek.Text(s); ok || text != "" {
			t.Errorf("Text(%q): got %q, %v", s, text, ok)
		}
	}
}

const event = `{"event":"message","sessionId":"5e38af8b","timestamp":"2026-11-24T14:40:50.467Z","data":{"role":"user","text":"Please fix the bug in main.go, and run it","contentType":"text"},"emittedAt":1795531250467,"id":5370}`

func TestNothingIsAllocated(t *testing.T) {
	buf, list := make([]byte, 0, 1024), make([]peek.Member, 0, 16)
	n := testing.AllocsPerRun(100, func() {
		buf, _ = peek.Compact(buf[:0], event)
		list, _ = peek.Members(list[:0], event)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkCompact(b *testing.B) {
	b.SetBytes(int64(len(event)))
	var buf []byte
	for b.Loop() {
		buf, _ = peek.Compact(buf[:0], event)
	}
}

func BenchmarkMembers(b *testing.B) {
	b.SetBytes(int64(len(event)))
	var list []peek.Member
	for b.Loop() {
		list, _ = peek.Members(list[:0], event)
	}
}

func BenchmarkValue(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		peek.Value(event)
	}
}
