// Package doctor finds out why a stream of events does not arrive as it should:
// it looks at one the way a person would with a debugger for an hour, and says for
// each thing that can be wrong what was seen, what that means, and what to change.
//
// [Probe] observes and [Diagnose] judges, so that what is said about an
// observation can be tested without a network.
package doctor

// A Check is one question, answered.
type Check struct {
	Name   string `json:"check"`
	State  State  `json:"state"`
	Seen   string `json:"seen"`
	Means  string `json:"means,omitempty"`  // unless all is well
	Change string `json:"change,omitempty"` // what to do about it, if that is known
}

// A State is how a check came out.
type State string

const (
	OK      State = "ok"
	Unknown State = "unknown" // nothing came that would tell
	Warning State = "warning" // works now, and will not always
	Fault   State = "fault"
)

// ExitCode is 0 if no check found anything, 1 for warnings, 2 for faults.
func ExitCode(checks []Check) int {
	code := 0
	for _, c := range checks {
		switch c.State {
		case Warning:
			code = max(code, 1)
		case Fault:
			code = 2
		}
	}
	return code
}
