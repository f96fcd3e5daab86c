package ingest

import (
	"net/http"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// What is missing is told by what is stored, and not by our connection alone.
func TestMissing(t *testing.T) {
	last := func(run, id string) store.Event {
		return store.Event{Seq: 7, Origin: store.Origin{Run: store.Run{Name: run}, ID: id}}
	}
	a := store.Run{Name: "a"}
	for _, test := range []struct {
		name  string
		w     *writer
		where place
		want  string
	}{
		{"nothing", &writer{run: a, last: last("a", "5")}, behind, ""},
		{"lost", &writer{run: a, last: last("a", "5"), hole: "lost"}, behind, "lost"},
		{"lost, and partly stored by another", &writer{run: a, last: last("a", "8"), hole: "lost", holeTo: 9}, behind, "lost"},
		{"lost, and stored by another", &writer{run: a, last: last("a", "9"), hole: "lost", holeTo: 9}, behind, ""},
		{"lost, and an old run stored", &writer{run: a, last: last("b", "9"), hole: "lost", holeTo: 9}, newRun, "lost"},
		{"begins later", &writer{run: a, last: last("a", "5"), start: 6}, behind, gapStart},
		{"begins later, and stored by another", &writer{run: a, last: last("a", "6"), start: 6}, behind, ""},
		{"begins later, in a new run", &writer{run: a, last: last("b", "20"), start: 6}, newRun, gapStart},
		{"begins a new run", &writer{run: a, last: last("b", "20")}, newRun, ""},
		{"begins later, and nothing is stored", &writer{run: a, start: 6}, behind, ""},
		{"an upstream without names", &writer{last: last("", "5"), start: 6}, behind, ""},
	} {
		if got := test.w.missing(test.where); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// Where the stream of all sessions begins is told by the response or by the first event,
// and stays so for as long as it goes on without a gap.
func TestBeginning(t *testing.T) {
	type response struct{ run, asked, given, first string }
	for _, test := range []struct {
		name      string
		responses []response
		want      int64
	}{
		{"from the first event ever", []response{{"a", "0", "", "1"}}, 0},
		{"a window", []response{{"a", "0", "702", "703"}}, 702},
		{"a log that was lost, with its counter kept", []response{{"a", "0", "", "799"}}, 798},
		{"something is missing, and not where", []response{{"a", "0", "earliest", "50"}}, 49},
		{"goes on", []response{{"a", "0", "702", "703"}, {"a", "710", "", "711"}}, 702},
		{"goes on, and says so", []response{{"a", "0", "702", "703"}, {"a", "710", "710", "711"}}, 702},
		{"cut before the first event", []response{{"a", "0", "", ""}, {"a", "0", "", "9"}}, 8},
		{"a gap", []response{{"a", "0", "702", "703"}, {"a", "710", "800", "801"}}, 800},
		{"a new run", []response{{"a", "0", "702", "703"}, {"b", "710", "earliest", "1"}}, 0},
		{"a new run that says nothing", []response{{"a", "0", "702", "703"}, {"b", "710", "", "4"}}, 3},
	} {
		var b beginning
		for _, r := range test.responses {
			h := http.Header{"Sse-Run": {r.run}}
			if r.given != "" {
				h.Set("Last-Event-ID", r.given)
			}
			b.opened(client.Transition{LastEventID: r.asked, Header: h})
			if r.first != "" {
				b.event(sse.Event{Type: "message", ID: r.first, HasID: true})
			}
		}
		if b.at != test.want {
			t.Errorf("%s: begins behind %d, want %d", test.name, b.at, test.want)
		}
	}
}
