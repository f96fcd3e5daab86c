package termsafe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

func TestEscapes(t *testing.T) {
	for _, test := range []struct{ in, text, line string }{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{"naïve 日本 👩‍💻 é", "naïve 日本 👩‍💻 é", "naïve 日本 👩‍💻 é"},
		{"a\nb\tc", "a\nb\tc", `a\nb\tc`},
		{"a\r\nb", `a\r` + "\nb", `a\r\nb`},
		{"\x1b[2J\x1b]0;title\x07", `\x1b[2J\x1b]0;title\x07`, `\x1b[2J\x1b]0;title\x07`},
		{"back\b\b\x7f", `back\x08\x08\x7f`, `back\x08\x08\x7f`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`},
		{"\x9b31m", `\x9b31m`, `\x9b31m`},
		{"abc\u202etxt.exe", `abc\u202etxt.exe`, `abc\u202etxt.exe`},
		{"\u2066\u2069\u200f\u061c", `\u2066\u2069\u200f\u061c`, `\u2066\u2069\u200f\u061c`},
		{"\u2028\ufff9\U000e0041", `\u2028\ufff9\U000e0041`, `\u2028\ufff9\U000e0041`},
	} {
		if got := termsafe.Text(test.in); got != test.text {
			t.Errorf("Text(%q): got %q, want %q", test.in, got, test.text)
		}
		if got := termsafe.Line(test.in); got != test.line {
			t.Errorf("Line(%q): got %q, want %q", test.in, got, test.line)
		}
	}
}

func TestWidth(t *testing.T) {
	for _, test := range []struct {
		in   string
		want int
	}{
		{"", 0}, {"abc", 3}, {"日本語", 6}, {"e\u0301", 1}, {"🚀", 2}, {"…", 1}, {"ｆｕｌｌ", 8}, {"é·", 2},
	} {
		if got := termsafe.Width(test.in); got != test.want {
			t.Errorf("Width(%q): got %d, want %d", test.in, got, test.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		in      string
		columns int
		want    string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"abc", 1, "…"}, {"", 0, ""},
	} {
		if got := termsafe.Cut(test.in, test.columns); got != test.want {
			t.Errorf("Cut(%q, %d): got %q, want %q", test.in, test.columns, got, test.want)
		}
	}
}

// FuzzNoControlSurvives is the promise of this package.
func FuzzNoControlSurvives(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31m", "a\r\nb\tc", "\xff\x9b\u009b", "\u202e\u2029\U000e0001", `{"a":"b\u001b"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check := func(name, out, layout string) {
			if !utf8.ValidString(out) {
				t.Errorf("%s(%q): got %q, which is not UTF-8", name, s, out)
			}
			for _, r := range out {
				acts := unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
				if acts && !strings.ContainsRune(layout, r) {
					t.Errorf("%s(%q): %U survives in %q", name, s, r, out)
				}
			}
			if termsafe.Cut(out, 20) != out && termsafe.Width(termsafe.Cut(out, 20)) > 20 {
				t.Errorf("Cut(%q, 20) is wider than 20", out)
			}
		}
		check("Text", termsafe.Text(s), "\n\t")
		check("Line", termsafe.Line(s), "")
		if quoted, err := json.Marshal(s); err == nil {
			out := termsafe.AppendJSON(nil, string(quoted))
			check("AppendJSON", string(out), "\n\t")
			var back, want string
			json.Unmarshal(quoted, &want)
			if err := json.Unmarshal(out, &back); err != nil || back != want {
				t.Errorf("AppendJSON(%q): %q means %q, %v", quoted, out, back, err)
			}
		}
	})
}
