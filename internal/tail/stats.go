package tail

import (
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// sayStats says where each stream stands, in one line.
func (w *Follower) sayStats() {
	for _, s := range w.streams {
		s.status.Tell(console.Bold, "statistics", ": "+statsLine(s.source.Stats()))
	}
}

func statsLine(st client.Stats) string {
	line := fmt.Sprintf("%v for %v, %s, %s in %s, %s", st.State, explain.Duration(time.Since(st.Since)),
		explain.Count(st.Events, "event"), explain.Bytes(st.Bytes), explain.Count(st.Attempts, "connection"), explain.Count(st.Gaps, "gap"))
	if st.Repeats > 0 {
		line += ", " + explain.Count(st.Repeats, "repeat") + " dropped"
	}
	if st.LastEventID != "" {
		line += ", at event " + termsafe.Cut(termsafe.Line(st.LastEventID), 40)
	}
	if !st.LastEvent.IsZero() {
		line += ", the last one " + explain.Duration(time.Since(st.LastEvent)) + " ago"
	}
	return line
}
