package resume

import "testing"

// TestProgramName: a command that is pasted must be found.
func TestProgramName(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for arg0, want := range map[string]string{"./sse-tail": "./sse-tail", "/opt/bin/tail": "/opt/bin/tail", "sse-tail": "sse-tail"} {
		if got := programName(arg0); got != want {
			t.Errorf("%s: got %s, want %s", arg0, got, want)
		}
	}
}
