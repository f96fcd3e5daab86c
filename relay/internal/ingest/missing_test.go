package ingest

import (
	"testing"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
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
