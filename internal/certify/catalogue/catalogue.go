// Package catalogue holds the scenarios, as data: a file for each group.
package catalogue

import (
	"fmt"
	"slices"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// All returns the scenarios, in the order of the groups.
func All() ([]*scenario.Scenario, error) {
	vectors, err := format()
	if err != nil {
		return nil, err
	}
	var all []*scenario.Scenario
	names := make(map[string]bool)
	for _, s := range slices.Concat(vectors, sliced(), prompt(), requests(), responses(), refusals(), redirects(), reconnecting(), delays(), resuming(), following(), liveness(), limits()) {
		if names[s.Name] || s.Name == "" || s.Clause == "" || s.Why == "" || s.Class == "" {
			return nil, fmt.Errorf("catalogue: scenario %q has no name of its own, clause, reason or class", s.Name)
		}
		names[s.Name] = true
		all = append(all, s)
	}
	return all, nil
}

// Clauses of the HTML standard (WHATWG, "Server-sent events").
const (
	processing   = "HTML 9.2.3 Processing model"
	lastEventID  = "HTML 9.2.4 The Last-Event-ID header"
	parsing      = "HTML 9.2.5 Parsing an event stream"
	interpreting = "HTML 9.2.6 Interpreting an event stream"
	authoring    = "HTML 9.2.7 Authoring notes"
)

// All that is a stream of one event. The last event of each scenario is one that
// nothing follows, so that what must not be shown has been passed by then.
const last = "that was all"

func lastEvent() scenario.Step { return scenario.Send("data: " + last + "\n\n") }

// finish is a connection that brings the last event and stays open.
func finish(id string, carry ...scenario.Field) scenario.Conn {
	return scenario.Conn{Carry: carry, Steps: []scenario.Step{lastEvent()}, Show: []scenario.Event{scenario.WithID(id, last)}}
}

// asks are fields that a resume must carry.
func after(id string) scenario.Field { return scenario.Field{Name: "Last-Event-Id", Value: id} }

var live = scenario.Field{Name: "Last-Event-Id", Value: scenario.Absent}

// may is a connection that a client which keeps to the standard need not ask for.
func may(c scenario.Conn) scenario.Conn {
	c.Optional = true
	return c
}

func steps(s ...scenario.Step) []scenario.Step { return s }

func show(events ...scenario.Event) []scenario.Event { return events }

func data(texts ...string) []scenario.Event {
	var all []scenario.Event
	for _, text := range texts {
		all = append(all, scenario.Data(text))
	}
	return all
}
