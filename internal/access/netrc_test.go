package access

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetrc(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netrc")
	const text = `# comment
machine One.test login me password #secret
machine two.test
	login you # a comment
	password x y

macdef init
	machine three.test login no password no

machine one.test login other password other
machine empty.test
default login anonymous password guest
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readNetrc(path)
	want := map[string]login{
		"one.test": {"me", "#secret"}, "two.test": {"you", "x"}, "empty.test": {}, "": {"anonymous", "guest"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(login{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := readNetrc(path + ".none"); got != nil || err != nil {
		t.Errorf("no file: got %v, %v", got, err)
	}
}
