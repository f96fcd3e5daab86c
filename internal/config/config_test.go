package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("color = \"never\"\n[prod]\nserver = \"https://h\"\nheader = [\"A: b\", \"C: d\"]\ncount = 3\nall = true\njitter = 0.25\n[empty]\n")
	got, err := Read(path, true)
	want := Profiles{
		Common: []Setting{{"color", []string{"never"}}},
		ByName: map[string][]Setting{"prod": {
			{"all", []string{"true"}}, {"count", []string{"3"}}, {"header", []string{"A: b", "C: d"}}, {"jitter", []string{"0.25"}}, {"server", []string{"https://h"}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"a = [": "line 1", "\n\nx y": "line 3", "a = [[1]]": "a list is of", "[p]\nb = 1979-05-27": "[p] b: a value is",
	} {
		write(text)
		if _, err := Read(path, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
	if p, err := Read(path+".none", false); err != nil || p.ByName != nil {
		t.Errorf("no file: got %+v, %v", p, err)
	}
	if _, err := Read(path+".none", true); err == nil {
		t.Error("no file, and it is needed: no error")
	}
}
