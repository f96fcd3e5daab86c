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
	Time        time.Time `json:"time"`
	Stream      string    `json:"stream,omitempty"`
	State       string    `json:"state"` // connecting, open, waiting, closed, gap, warning or error
	Attempt     int       `json:"attempt,omitempty"`
	Delay       float64   `json:"delay_s,omitempty"`
	Left        float64   `json:"left_s,omitempty"`
	LastEventID string    `json:"last_event_id,omitempty"`
	Cause       string    `json:"cause,omitempty"`
	Hint        string    `json:"hint,omitempty"`
	Exit        int       `json:"exit,omitempty"` // the code that the command ends with
}

func (st *Stream) json(t client.Transition) string {
	r := record{
		Time: time.Now().UTC(), Stream: st.target, State: t.State.String(), Attempt: t.Attempt,
		Delay: seconds(t.Delay), Left: seconds(t.Left), LastEventID: t.LastEventID,
	}
	if st.label != "" {
		r.Stream = st.label
	}
	if t.Cause != nil {
		r.Cause = explain.What(t.Cause)
	}
	if t.From == t.State && t.Cause != nil {
		r.State = "warning"
		if _, ok := errors.AsType[*client.GapError](t.Cause); ok {
			r.State = "gap"
		}
	}
	return r.line()
}

// ErrorLine is the last line of --status json: why the command ends.
func ErrorLine(err error, code int) string {
	return record{Time: time.Now().UTC(), State: "error", Cause: explain.What(err), Hint: explain.Hint(err), Exit: code}.line()
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r record) line() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(r)
	return string(termsafe.AppendJSON(nil, strings.TrimSuffix(b.String(), "\n")))
}
