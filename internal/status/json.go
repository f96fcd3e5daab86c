package status

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// record is a line of --status json.
type record struct {
	Time   string `json:"time"`             // all as long as each other, so that they sort as text
	Stream string `json:"stream,omitempty"` // the same as in events
	URL    string `json:"url,omitempty"`
	State  string `json:"state"` // connecting, open, waiting, closed, gap, warning, stats, end or error

	Attempt     int     `json:"attempt,omitempty"` // the connection, the same as in events
	Retry       int     `json:"retry,omitempty"`   // of this outage
	Delay       float64 `json:"delay_s,omitempty"`
	Left        float64 `json:"left_s,omitempty"`
	LastEventID string  `json:"last_event_id,omitempty"`
	Cause       string  `json:"cause,omitempty"`
	Certain     *bool   `json:"certain,omitempty"` // of a gap: whether events are missing, or may be
	Hint        string  `json:"hint,omitempty"`
	Exit        int     `json:"exit,omitempty"` // the code that the command ends with

	*counts
}

// counts are members of stats and end.
type counts struct {
	Events       int     `json:"events"`
	Bytes        int64   `json:"bytes"`
	Attempts     int     `json:"attempts"`
	Reconnects   int     `json:"reconnects"`
	Repeats      int     `json:"repeats"`
	Gaps         int     `json:"gaps"`
	PossibleGaps int     `json:"possible_gaps"`
	SinceEvent   float64 `json:"since_event_s,omitempty"`
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") }

// json is a transition as a record.
func (st *Stream) json(t client.Transition) string {
	r := record{
		Time: now(), Stream: st.name, URL: st.url, State: t.State.String(), Attempt: st.attempt, Retry: t.Attempt,
		Delay: seconds(t.Delay), Left: seconds(t.Left), LastEventID: t.LastEventID,
	}
	if t.State == client.Closed {
		r.Retry = 0
	}
	if t.Cause != nil {
		r.Cause = explain.What(t.Cause)
		if t.State == client.Waiting {
			r.Hint = st.facts.Hint(t.Cause)
		}
	}
	if t.From == t.State && t.Cause != nil {
		r.State = "warning"
		if gap, ok := errors.AsType[*client.GapError](t.Cause); ok {
			certain := explain.Certain(gap)
			r.State, r.Certain = "gap", &certain
		}
	}
	return r.line()
}

// ErrorLine is the last line of --status json: why the command ends.
func ErrorLine(err error, code int) string {
	return record{Time: now(), State: "error", Cause: explain.What(err), Hint: explain.Hint(err), Exit: code}.line()
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r record) line() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(r)
	return string(termsafe.AppendJSON(nil, strings.TrimSuffix(b.String(), "\n")))
}
