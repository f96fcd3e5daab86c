package catalogue

import (
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/vectors"
	"github.com/OneStepAt4time/resilient-sse/sse"
	"github.com/OneStepAt4time/resilient-sse/sse/testdata"
)

// Of each file of vectors: the clause, and what goes wrong in a client that fails
// one. The limits of limit.txt are the decoder's own, so that file is left out.
var files = map[string]struct{ clause, why string }{
	"bom":      {parsing + " (UTF-8 decode)", "A client that keeps the mark takes it for a part of the first field's name: the first event of such a stream is lost."},
	"comments": {interpreting, "Comments are what servers keep connections alive with: one that breaks an event, or becomes one, shows up at random times."},
	"data":     {interpreting + " (data buffer)", "The data is not what was sent: lines are lost or joined, or empty events are invented or swallowed."},
	"end":      {interpreting + " (end of the stream)", "A block that the end cuts off is half an event. Shown, it is wrong data; with its id kept, the resume skips the whole event: it is lost."},
	"event":    {interpreting + " (event type buffer)", "Events reach the wrong listener, or none."},
	"fields":   {interpreting + " (fields)", "Fields are taken for others, or for none: data is changed on the way."},
	"id":       {interpreting + " (id)", "The last event ID is where a resume begins: a wrong one loses events, or brings them twice."},
	"lines":    {parsing + " (end of line)", "Lines end with LF, CR or CRLF: a client that knows only some of them joins events, or splits them."},
	"retry":    {interpreting + " (retry)", "A value that is no number must change nothing, least of all the events around it."},
	"standard": {interpreting + " (its examples)", "These are the standard's own examples."},
	"utf8":     {parsing + " (UTF-8 decode)", "Streams are always UTF-8, and bytes that are not become U+FFFD, one for each maximal subpart: otherwise two clients of one stream see different data."},
}

// format are the vectors of package sse: its decoder is tested with the same files.
func format() ([]*scenario.Scenario, error) {
	all, err := vectors.Read(testdata.Files)
	if err != nil {
		return nil, err
	}
	var scenarios []*scenario.Scenario
	for _, v := range all {
		file, ok := files[v.File]
		if !ok || v.Limit != 0 || v.End == vectors.Limit {
			continue
		}
		s := &scenario.Scenario{Name: "format/" + v.File + "/" + slug(v.Name), Class: scenario.Standard, Clause: file.clause, Why: file.why, Conns: conns(v)}
		if v.File == "id" {
			s.Needs = scenario.NeedIDs
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, nil
}

// conns plays a vector. What ends between blocks goes on with the last event; what
// ends inside one ends, and the resume shows what was kept of it. A client that
// does not come back then fails elsewhere, not here.
func conns(v *vectors.Vector) []scenario.Conn {
	var all []scenario.Conn
	carry := []scenario.Field{live}
	if v.Seed != "" {
		all = append(all, scenario.Conn{
			Steps: steps(scenario.Send("retry: 100\nid: "+v.Seed+"\ndata: seed\n\n"), scenario.Shown(1), scenario.End()),
			Show:  show(scenario.WithID(v.Seed, "seed")),
		})
		carry = []scenario.Field{after(v.Seed)}
	}
	c := scenario.Conn{Carry: carry, Optional: v.Seed != ""}
	for _, ev := range v.Events {
		c.Show = append(c.Show, event(ev))
	}
	if v.End == vectors.Clean {
		c.Steps = steps(scenario.Send(v.Stream), scenario.Send("\n\n"), lastEvent())
		c.Show = append(c.Show, scenario.WithID(v.LastID, last))
		return append(all, c)
	}
	c.Steps = steps(scenario.Send(v.Stream), scenario.End())
	all = append(all, c)
	if v.LastID == "" {
		return append(all, may(finish("", live)))
	}
	return append(all, may(finish(v.LastID, after(v.LastID))))
}

func event(ev sse.Event) scenario.Event {
	return scenario.Event{ID: &ev.ID, Type: ev.Type, Data: ev.Data}
}

// slug makes a name of a sentence.
func slug(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// sliced are streams that come a byte at a time: what is split over two reads must
// not become two things.
func sliced() []*scenario.Scenario {
	var all []*scenario.Scenario
	for _, c := range []struct {
		name, stream string
		show         []scenario.Event
	}{
		{"lf", "id: 1\nevent: x\ndata: a\ndata: b\n\ndata: c\n\n", show(scenario.Typed("x", "1", "a\nb"), scenario.WithID("1", "c"), scenario.WithID("1", last))},
		{"crlf", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", data("a\nb", "c", last)},
		{"cr", "data: a\rdata: b\r\rdata: c\r\r", data("a\nb", "c", last)},
		{"mixed-line-ends", "data: a\rdata: b\r\n\ndata: c\n\r\ndata: d\r\r\n", data("a\nb", "c", "d", last)},
		{"bom", "\xef\xbb\xbfdata: a\n\n", data("a", last)},
		{"characters", "data: é€𝄞\n\nevent: é\ndata: ü\n\n", show(scenario.Data("é€𝄞"), scenario.Typed("é", "", "ü"), scenario.Data(last))},
		{"invalid-utf8", "data: \xe2\x82 \xf0\x9f\x98x\xff\n\n", data("\ufffd \ufffdx\ufffd", last)},
		{"comments", ": a\n:\ndata: a\n:b\ndata: b\n\n", data("a\nb", last)},
		{"json", "data: {\"a\":[1,2,3],\ndata:  \"b\":\"c: d\"}\n\n", data("{\"a\":[1,2,3],\n \"b\":\"c: d\"}", last)},
	} {
		all = append(all, &scenario.Scenario{
			Name: "format/sliced/" + c.name, Class: scenario.Standard, Clause: parsing,
			Why:   "Networks split bytes where they like. A client that parses what one read brings loses or doubles events under load, and nowhere else.",
			Conns: []scenario.Conn{{Steps: steps(scenario.Slice(c.stream), lastEvent()), Show: c.show}},
		})
	}
	return all
}

// prompt are streams on which nothing follows an event until it was shown.
func prompt() []*scenario.Scenario {
	var all []*scenario.Scenario
	for _, c := range []struct {
		name, block, why string
		class            scenario.Class
	}{
		{"lf", "data: a\n\n", "An event is dispatched at the blank line. A client that waits for more shows each event when the next one comes: the last one never.", scenario.Standard},
		{"crlf", "data: a\r\n\r\n", "An event is dispatched at the blank line. A client that waits for more shows each event when the next one comes: the last one never.", scenario.Standard},
		{"cr", "data: a\r\r", "A CR ends its line whatever follows. A client that waits for a possible LF shows each event when the next one comes. The standard leaves the moment open.", scenario.Robust},
		{"after-a-comment", ": hello\n\ndata: a\n\n", "An event is dispatched at the blank line, whatever came before it.", scenario.Standard},
		{"small-after-large", "data: " + strings.Repeat("x", 5000) + "\n\ndata: a\n\n", "A buffer that is filled before it is looked at keeps back the small event behind the large one.", scenario.Standard},
	} {
		events := data("a")
		if c.name == "small-after-large" {
			events = data(strings.Repeat("x", 5000), "a")
		}
		n := len(events)
		all = append(all, &scenario.Scenario{
			Name: "format/prompt/" + c.name, Class: c.class, Clause: interpreting, Why: c.why,
			Conns: []scenario.Conn{{Steps: steps(scenario.Send(c.block), scenario.Shown(n), lastEvent()), Show: append(events, scenario.Data(last))}},
		})
	}
	return all
}
