package scenario

import (
	"fmt"
	"time"
)

// A Live scenario is served by the test server, with faults, while events are
// published: each must be shown, once and in order, from the first one on.
type Live struct {
	Events  int           // how many are published, with the ids 1 to Events
	Faults  []string      // in the JSON of the test server's control API
	Restart time.Duration // the server goes away for so long when half of the events are out; 0: it stays
}

// tooMany requests for a live stream are no progress any more.
const tooMany = 300

func (l *Live) settled(t *Trial) bool {
	return len(t.Shown) > 0 && (lostOrRepeated(t) != "" || len(t.Shown) == l.Events)
}

func (l *Live) judge(t *Trial) Verdict {
	problem := lostOrRepeated(t)
	switch {
	case problem != "":
	case len(t.Requests) == 0:
		problem = missing(0, t)
	case len(t.Shown) < l.Events:
		problem = fmt.Sprintf("showed %d of %d events%s", len(t.Shown), l.Events, how(t))
	default:
		return Verdict{Outcome: Pass, Note: "over " + count(len(t.Requests), "request")}
	}
	return Verdict{Outcome: Fail, Problem: fmt.Sprintf("%s, over %s", problem, count(len(t.Requests), "request"))}
}

// lostOrRepeated compares what was shown, as far as it goes, with what was
// published.
func lostOrRepeated(t *Trial) string {
	for i, got := range t.Shown {
		if i < len(t.Emitted) && t.Emitted[i].shows(got) {
			continue
		}
		for j, ev := range t.Emitted {
			switch {
			case !ev.shows(got):
			case j < i:
				return fmt.Sprintf("showed %s a second time", got)
			default:
				return fmt.Sprintf("lost %s: showed %s instead", t.Emitted[i], got)
			}
		}
		return fmt.Sprintf("showed %s, which was never sent", got)
	}
	return ""
}
