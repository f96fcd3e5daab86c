package scenario

import (
	"net/http"
	"time"
)

// A Request is what the journal holds of one.
type Request struct {
	N      int       // from 1
	At     time.Time // its head was read
	Other  bool      // it came to the second origin
	Method string
	Target string // as it was sent
	Proto  string
	Header http.Header
	Body   []byte

	Sent   []byte    // the beginning of what was answered, as it was on the wire
	Bytes  int64     // of all
	Played bool      // all steps are done
	Done   time.Time // the server's end of the response; zero while it is open
	Left   bool      // the client closed the connection before
	LeftAt time.Time
}

// A Trial is what one run of a client was like.
type Trial struct {
	Shown    []Event
	ShownAt  []time.Time
	Requests []Request
	Exited   bool   // by itself
	Exit     string // how
	Broken   string // what is wrong with its output
	Stderr   string // its end
	Quiet    bool   // given up on: nothing happened for the bound
	Hammered bool   // stopped: too many requests
	Ignored  bool   // it had to be killed: it did not end when asked to
	Start    time.Time
	End      time.Time
	Emitted  []Event // of a live scenario
}

// Delay is the time from the end of the response before the n-th request to that
// request; ok is false where one of them is missing.
func (t *Trial) Delay(n int) (d time.Duration, ok bool) {
	if n < 2 || n > len(t.Requests) {
		return 0, false
	}
	before := t.Requests[n-2]
	end := before.Done
	if before.Left && (end.IsZero() || before.LeftAt.Before(end)) {
		end = before.LeftAt
	}
	if end.IsZero() {
		return 0, false
	}
	return t.Requests[n-1].At.Sub(end), true
}

// Wanted are the events that a right client has shown after n requests.
func (s *Scenario) Wanted(n int) []Event {
	var all []Event
	for _, c := range s.Conns[:min(n, len(s.Conns))] {
		all = append(all, c.Show...)
	}
	return all
}

// An Outcome is how a scenario ended for a client.
type Outcome string

const (
	Pass      Outcome = "pass"
	Fail      Outcome = "fail"
	NotJudged Outcome = "not judged" // which is no pass
)

// A Verdict is what a trial shows of a client.
type Verdict struct {
	Outcome Outcome
	Problem string // what is wrong, or why it can't be judged
	Note    string // which of the right ways it went
}
