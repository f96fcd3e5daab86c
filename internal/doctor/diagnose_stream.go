package doctor

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/explain"
)

func format(o *Observation) Check {
	const name = "format"
	l := o.Lines
	switch {
	case o.Failure != nil:
		return Check{
			Name: name, State: Fault, Seen: explain.What(o.Failure),
			Means: "an event has no end, so no client can take it", Change: "end each event with a blank line",
		}
	case l.Unknown > 0 && l.Data == 0:
		return Check{
			Name: name, State: Fault, Seen: fmt.Sprintf("%s without a field's name, such as %q", explain.Count(l.Unknown, "line"), line(l.Sample)),
			Means: "clients ignore such lines, and see no event", Change: "write each event as data: …, and a blank line behind it",
		}
	case l.Data > 0 && o.Count == 0:
		return Check{
			Name: name, State: Fault, Seen: explain.Count(l.Data, "data line") + " and no event",
			Means: "an event is over at a blank line, and none has come", Change: "write a blank line behind each event",
		}
	case l.Unknown > 0:
		return Check{
			Name: name, State: Warning, Seen: fmt.Sprintf("%s without a known field's name, such as %q", explain.Count(l.Unknown, "line"), line(l.Sample)),
			Means: "clients ignore such lines; text of several lines needs data: ahead of each", Change: "let the server split data at its line ends",
		}
	}
	return ok(name, "%s, %s, %s", explain.Count(o.Count, "event"), explain.Count(l.Comments, "comment"), explain.Bytes(o.Bytes))
}

// cutsAt is after how long without a byte many proxies cut a connection.
const cutsAt = 60 * time.Second

func heartbeat(o *Observation) Check {
	const name = "heartbeat"
	control := 0
	for _, ev := range o.Events {
		if ev.Control {
			control++
		}
	}
	beats := o.Lines.Comments + max(control-1, 0) // the first control frame is the greeting
	switch {
	case beats > 0:
		return ok(name, "%d in %s; the longest silence was %s", beats, explain.Duration(o.Listened), explain.Duration(o.Silence))
	case o.Silence < o.Listened/2:
		return Check{
			Name: name, State: Unknown, Seen: "none in " + explain.Duration(o.Listened) + ", and events kept the connection busy",
			Means: "listen longer, with --for, while nothing happens",
		}
	case o.Listened < 30*time.Second:
		return Check{
			Name: name, State: Unknown, Seen: "none in " + explain.Duration(o.Listened),
			Means: "servers send one every 15 to 30 s; listen longer, with --for",
		}
	}
	return Check{
		Name: name, State: Warning, Seen: "none in " + explain.Duration(o.Listened) + ", of which " + explain.Duration(o.Silence) + " were silent",
		Means:  fmt.Sprintf("proxies cut what is silent for about %v, and a client can't tell silence from a dead server", cutsAt),
		Change: "let the server send a comment every 15 to 30 s (\": ping\" and a blank line)",
	}
}

func ids(o *Observation) Check {
	const name = "ids"
	with, without, seen, twice := 0, 0, map[string]bool{}, ""
	for _, ev := range o.Events {
		switch {
		case ev.Control:
		case !ev.HasID || ev.ID == "":
			without++
		default:
			if with++; seen[ev.ID] {
				twice = ev.ID
			}
			seen[ev.ID] = true
		}
	}
	switch {
	case with+without == 0:
		return Check{Name: name, State: Unknown, Seen: "no event in " + explain.Duration(o.Listened), Means: "listen longer, with --for, while something happens"}
	case with == 0:
		return Check{
			Name: name, State: Fault, Seen: explain.Count(without, "event") + ", none with an id",
			Means: "a client can't say where it was, so what is sent while it is away is lost", Change: "give each event an id, and keep the last ones for replay",
		}
	case without > 0:
		return Check{
			Name: name, State: Warning, Seen: fmt.Sprintf("%d of %d events have none", without, with+without),
			Means: "after a cut those can come twice or never", Change: "give each event an id",
		}
	case twice != "":
		return Check{
			Name: name, State: Warning, Seen: "more than one event has the id " + line(twice),
			Means: "after a cut behind the first of them the others are lost, or come twice", Change: "give each event an id of its own",
		}
	}
	return ok(name, "on each of %s", explain.Count(with, "event"))
}

func replay(o *Observation) Check {
	const name = "replay"
	r := o.Replay
	if o.Over {
		return Check{Name: name, State: Unknown, Seen: "the session ended, so it was not asked for", Means: "try a session that goes on"}
	}
	if r == nil {
		return Check{Name: name, State: Unknown, Seen: "fewer than two events with ids, so it was not asked for", Means: "listen longer, with --for, while something happens"}
	}
	asked := "asked to go on after event " + line(r.Asked) + ", the server "
	lost := "after a cut, what was sent meanwhile is lost"
	switch {
	case r.Err != nil || r.Status != 200:
		seen := fmt.Sprintf("answered %d", r.Status)
		if r.Err != nil {
			seen = "did not answer: " + explain.What(r.Err)
		}
		return Check{
			Name: name, State: Fault, Seen: asked + seen,
			Means: "each reconnect will be refused like that", Change: "let the server take any Last-Event-ID, and ignore what it does not know",
		}
	case len(r.Got) > 0 && r.Got[0] == r.Asked:
		return Check{
			Name: name, State: Fault, Seen: asked + "began with that event itself",
			Means: "after each cut one event comes twice", Change: "let the replay begin behind the Last-Event-ID",
		}
	case slices.Equal(r.Got, r.Want):
		return ok(name, "%ssent the %d that followed, in order", asked, len(r.Want))
	case r.Gap != "":
		return Check{
			Name: name, State: Warning, Seen: asked + "said that its replay starts at " + line(r.Gap),
			Means: "its replay is short: a client that is away for long misses events, and is told so", Change: "keep more events for replay",
		}
	case len(r.Got) == 0 || !slices.Contains(r.Want, r.Got[0]):
		return Check{
			Name: name, State: Fault, Seen: asked + fmt.Sprintf("sent none of the %d that followed", len(r.Want)),
			Means: lost, Change: "let the server keep the last events and heed Last-Event-ID; let a proxy pass that header on",
		}
	}
	return Check{
		Name: name, State: Fault, Seen: asked + fmt.Sprintf("sent %s, and it had been %s", some(r.Got), some(r.Want)),
		Means: "events are missing from the replay, or in another order; " + lost, Change: "keep the replay in the order of publishing, with no event left out",
	}
}

// some shows the first few ids.
func some(ids []string) string {
	const few = 5
	text := line(strings.Join(ids[:min(few, len(ids))], ", "))
	if len(ids) > few {
		text += ", …"
	}
	return text
}

func retry(o *Observation) Check {
	const name = "retry"
	switch {
	case o.Retry == 0:
		return ok(name, "not set; the client's own delays hold")
	case o.Retry > time.Minute:
		return Check{
			Name: name, State: Warning, Seen: explain.Duration(o.Retry),
			Means: "a browser waits that long after each cut", Change: "use some seconds",
		}
	case o.Retry < 500*time.Millisecond:
		return Check{
			Name: name, State: Warning, Seen: explain.Duration(o.Retry),
			Means: "when the server goes down, all browsers come back that often", Change: "use some seconds",
		}
	}
	return ok(name, "%s", explain.Duration(o.Retry))
}

func idleCut(o *Observation) Check {
	const name = "idle cut"
	if o.Ended == nil {
		return ok(name, "none: open for %s, silent for %s at the most", explain.Duration(o.Listened), explain.Duration(o.Silence))
	}
	after := explain.Duration(o.Listened)
	if o.Over && o.Ended == io.EOF {
		return ok(name, "none: the session ended after %s, and its stream with it", after)
	}
	switch {
	case o.LastGap >= 3*time.Second:
		return Check{
			Name: name, State: Fault, Seen: "the connection was ended " + explain.Duration(o.LastGap) + " after the last byte",
			Means:  "somebody cuts what is silent: a proxy's or balancer's idle timeout, or the server's write timeout",
			Change: "raise that timeout (nginx: proxy_read_timeout 1h;), or let the server send a comment more often than that",
		}
	case o.Ended != io.EOF:
		return Check{
			Name: name, State: Fault, Seen: explain.What(o.Ended) + " after " + after + ", instead of an end",
			Means: "a time or size limit on whole responses, or a server that was killed", Change: "take streams out of such limits (Go: WriteTimeout; a platform's request timeout)",
		}
	case o.Bytes == 0:
		return Check{
			Name: name, State: Fault, Seen: "the response ended after " + after + ", without a byte",
			Means: "a client reconnects again and again", Change: "keep the response open; to end a stream for good, answer 204",
		}
	}
	return Check{
		Name: name, State: Warning, Seen: "the response ended after " + after,
		Means:  "a client reconnects, and asks to go on; a stream that is over for good should answer that with 204",
		Change: "keep the response open, or answer 204 to the next request",
	}
}
