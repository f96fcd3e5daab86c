package status

import (
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Stats says where the stream stands, at any level: it was asked for.
func (st *Stream) Stats(stats client.Stats) {
	if st.s.Level == JSON {
		r := st.record("stats", stats)
		if !stats.LastEvent.IsZero() {
			r.SinceEvent = seconds(time.Since(stats.LastEvent))
		}
		st.s.Console.Say(r.line())
		return
	}
	st.s.write(append(st.labelled(), console.Span{Style: console.Bold, Text: "statistics"}, console.Span{Text: ": " + statsLine(stats)})...)
}

func (st *Stream) record(state string, stats client.Stats) record {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	return record{
		Time: now(), Stream: st.name, URL: st.url, State: state, Attempt: st.attempt, LastEventID: stats.LastEventID,
		counts: &counts{
			Events: stats.Events, Bytes: stats.Bytes, Attempts: stats.Attempts, Reconnects: stats.Reconnects,
			Repeats: stats.Repeats, Gaps: st.gaps, PossibleGaps: st.maybe,
		},
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

// End says of all streams how many events were seen, in how long, and what is known
// to be missing. Stats are those of each stream, in the order in which they were
// added. Where no stream was ever open there is nothing to say.
func (s *Status) End(shown int, took time.Duration, stats []client.Stats) {
	if s.Level == JSON {
		for i, st := range s.streams {
			s.Console.Say(st.record("end", stats[i]).line())
		}
		return
	}
	opened := false
	reconnects, gaps, maybe, unknown := 0, 0, 0, 0
	for i, st := range s.streams {
		opened = opened || st.facts.Opened
		reconnects += stats[i].Reconnects
		gaps += st.gaps
		maybe += st.maybe
		unknown += st.unknown
	}
	text := explain.Count(shown, "event") + " seen in " + explain.Duration(took)
	if reconnects > 0 {
		text += ", " + explain.Count(reconnects, "reconnect")
	}
	style, loss := console.Plain, ""
	switch {
	case gaps > 0:
		style, loss = console.Red, ", events are missing in "+explain.Count(gaps, "place")
	case maybe > 0:
		style, loss = console.Yellow, ", events may be missing in "+explain.Count(maybe, "place")
	case unknown > 0:
		style, loss = console.Yellow, ", whether events are missing is not known"
	case reconnects > 0:
		style, loss = console.Green, ", none missing"
	}
	if s.Level == Normal && opened {
		s.write(console.Span{Text: text}, console.Span{Style: style, Text: loss})
	}
}
