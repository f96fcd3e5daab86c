package doctor

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

func format(o *Observation) Check {
	const name = "format"
	l := o.Lines
	switch {
	case o.Failure != nil && o.Whole:
		return Check{
			Name: name, State: Fault, Seen: "an event of " + explain.Bytes(o.Large),
			Means:  "clients limit what one event may hold (this one: " + explain.Bytes(sse.DefaultMaxEventSize) + "), and end where it holds more",
			Change: "send the data elsewhere and its address in the event, or follow with --max-event",
		}
	case o.Failure != nil:
		return Check{
			Name: name, State: Fault, Seen: "an event of " + explain.Bytes(o.Large) + ", and no end of it",
			Means: "no client can take it", Change: "end each event with a blank line",
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
	with, without, again, seen, twice := 0, 0, 0, map[string]uint64{}, ""
	for _, ev := range o.Events {
		switch sum, known := seen[ev.ID]; {
		case ev.Control:
		case !ev.HasID || ev.ID == "":
			without++
		case known && sum == ev.Sum: // servers do that where replay meets live
			again++
		default:
			if with++; known {
				twice = ev.ID
			}
			seen[ev.ID] = ev.Sum
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
	c := ok(name, "on each of %s", explain.Count(with, "event"))
	if again > 0 {
		c.Seen += fmt.Sprintf("; %d came twice, word for word", again)
	}
	return c
}

func replay(o *Observation) Check {
	const name = "replay"
	r := o.Replay
	if o.Over {
		return Check{Name: name, State: Unknown, Seen: "the session ended, so it was not asked for", Means: "try a session that goes on"}
	}
	if o.Method != "" && o.Method != http.MethodGet {
		return Check{Name: name, State: Unknown, Seen: "not asked for: a " + line(o.Method) + " may do something, so it was made once"}
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
		back := ""
		if r.Kept < r.Heard {
			back = fmt.Sprintf("; its replay goes back to %d of the %d that were heard", r.Kept, r.Heard)
		}
		return ok(name, "%ssent the %d that followed, in order%s", asked, len(r.Want), back)
	case r.Pending && len(r.Got) > 0 && slices.Equal(r.Got, r.Want[:min(len(r.Got), len(r.Want))]):
		return Check{
			Name: name, State: Unknown, Seen: asked + fmt.Sprintf("sent the first %d of %d in order, and was still at it after %s", len(r.Got), len(r.Want), explain.Duration(replayTime)),
			Means: "the replay is slow, or the connection",
		}
	case missedAhead(r) > 0 && r.Gap == "":
		return Check{
			Name: name, State: Warning, Seen: asked + fmt.Sprintf("sent the last %d of the %d that followed", len(r.Want)-missedAhead(r), len(r.Want)),
			Means: "its replay is short, and it does not say so: a client that is away for longer misses events and is not told", Change: "keep more events for replay",
		}
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

// missedAhead returns how many of the events wanted were left out ahead of those
// that came, if those are the rest, in order: a window that is shorter than the
// time that passed. What came behind is live.
func missedAhead(r *Replay) int {
	if len(r.Got) == 0 {
		return 0
	}
	i := slices.Index(r.Want, r.Got[0])
	if i <= 0 || len(r.Got) < len(r.Want)-i || !slices.Equal(r.Got[:len(r.Want)-i], r.Want[i:]) {
		return 0
	}
	return i
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
	if o.Retry == nil {
		return ok(name, "not set; the client's own delays hold")
	}
	seen := "retry: " + line(*o.Retry)
	ms, err := strconv.ParseUint(*o.Retry, 10, 64)
	switch {
	case *o.Retry == "" || strings.Trim(*o.Retry, "0123456789") != "":
		return Check{
			Name: name, State: Warning, Seen: seen,
			Means: "clients ignore what is not digits alone", Change: "write the milliseconds in digits",
		}
	case err != nil || ms > 60_000:
		return Check{
			Name: name, State: Warning, Seen: seen + " (milliseconds)",
			Means: "a browser waits that long after each cut", Change: "use some seconds",
		}
	case ms < 500:
		return Check{
			Name: name, State: Warning, Seen: seen + " (milliseconds)",
			Means: "when the server goes down, all browsers come back that often", Change: "use some seconds",
		}
	}
	return ok(name, "%s", explain.Duration(time.Duration(ms)*time.Millisecond))
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
