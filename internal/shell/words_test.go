package shell

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

func TestSplitWords(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
		err  string
	}{
		{`a b  c`, []string{"a", "b", "c"}, ""},
		{` a 'b c' "d e" f\ g '' `, []string{"a", "b c", "d e", "f g", ""}, ""},
		{`a'b'"c"\d`, []string{"abcd"}, ""},
		{`"a\"b\\c\d" 'a\b'`, []string{`a"b\c\d`, `a\b`}, ""},
		{`$HOME $(rm) ; | *`, []string{"$HOME", "$(rm)", ";", "|", "*"}, ""},
		{`a 'b`, nil, "a quote is not closed"},
		{`a \`, nil, "a backslash stands at the end"},
		{` `, nil, "no command"},
	} {
		got, err := Split(test.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !slices.Equal(got, test.want) || text != test.err {
			t.Errorf("Split(%q): got %q, %q; want %q, %q", test.in, got, text, test.want, test.err)
		}
	}
}

// FuzzShellQuote asks a shell.
func FuzzShellQuote(f *testing.F) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		f.Skip(err)
	}
	for _, s := range []string{"", "plain", "it's", "$(x) `y`", "a\nb", `\`, "-n", "é", "*", "\x1b[2J\u009b", "\xff'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if slices.Contains([]byte(s), 0) {
			t.Skip("no argument can hold NUL")
		}
		out, err := exec.Command(bash, "-c", "printf %s "+Quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("a shell reads %s as %q, %v; want %q", Quote(s), out, err, s)
		}
		if termsafe.Text(Quote(s)) != Quote(s) {
			t.Errorf("Quote(%q) is not safe to show", s)
		}
		if strings.HasPrefix(Quote(s), "$") {
			return
		}
		// And our own splitting, which --exec uses, agrees.
		words, err := Split(Quote(s))
		if err != nil || len(words) != 1 || words[0] != s {
			t.Errorf("Split(%s): got %q, %v; want %q", Quote(s), words, err, s)
		}
	})
}
