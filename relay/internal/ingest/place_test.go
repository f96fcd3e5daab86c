package ingest

import (
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

func TestLocate(t *testing.T) {
	at := func(run uint64, name, id string, ms int64, hash uint64) store.Origin {
		o := store.Origin{Run: store.Run{Number: run, Name: name}, ID: id, Hash: hash}
		if ms != 0 {
			o.Time = time.UnixMilli(ms)
		}
		return o
	}
	global := at(1, "", "7", 70, 5)
	global.Global = true
	for _, test := range []struct {
		name       string
		mine, last store.Origin
		noticed    bool
		want       place
	}{
		{"next of a named run", at(1, "a", "8", 80, 1), at(1, "a", "7", 70, 2), false, behind},
		{"same of a named run", at(1, "a", "7", 70, 2), at(1, "a", "7", 70, 2), false, stored},
		{"older of a named run", at(1, "a", "6", 60, 1), at(1, "a", "7", 70, 2), false, stored},
		{"another noticed the run first", at(1, "b", "3", 90, 1), at(2, "b", "5", 95, 2), false, stored},
		{"the run's first is ours", at(1, "b", "1", 90, 1), at(1, "a", "7", 70, 2), true, newRun},
		{"a run that is over", at(1, "a", "9", 80, 1), at(2, "b", "1", 90, 2), false, stored},
		{"ids decide within a run, whatever the clock did", at(1, "a", "8", 60, 1), at(1, "a", "7", 70, 2), false, behind},

		{"next, no names", at(1, "", "8", 80, 1), at(1, "", "7", 70, 2), false, behind},
		{"a clock set back", at(1, "", "8", 60, 1), at(1, "", "7", 70, 2), false, behind},
		{"same, no names", at(1, "", "7", 70, 2), at(1, "", "7", 70, 2), false, stored},
		{"same, taken from the global stream", at(1, "", "7", 70, 2), global, false, stored},
		{"older, no names", at(1, "", "6", 60, 1), at(1, "", "7", 70, 2), false, stored},
		{"just started, older", at(0, "", "6", 60, 1), at(4, "", "7", 70, 2), false, stored},
		{"just started, next", at(0, "", "8", 80, 1), at(4, "", "7", 70, 2), false, behind},
		{"a restart nobody noticed", at(1, "", "2", 80, 1), at(1, "", "7", 70, 2), false, newRun},
		{"a restart that was noticed", at(1, "", "9", 80, 1), at(1, "", "7", 70, 2), true, newRun},
		{"noticed here, stored by another", at(1, "", "1", 80, 1), at(2, "", "1", 80, 1), true, stored},
		{"noticed here, another is ahead", at(1, "", "1", 80, 1), at(2, "", "3", 90, 2), true, stored},
		{"noticed here, another is ahead within the millisecond", at(1, "", "1", 90, 1), at(2, "", "3", 90, 2), true, stored},
		{"noticed here, another is behind within the millisecond", at(1, "", "4", 90, 1), at(2, "", "3", 90, 2), true, behind},
		{"noticed here, another is behind", at(1, "", "4", 99, 1), at(2, "", "3", 90, 2), true, behind},
		{"noticed there, old run here", at(1, "", "9", 75, 1), at(2, "", "1", 80, 2), false, stored},
		{"noticed there, new run here", at(1, "", "2", 85, 1), at(2, "", "1", 80, 2), false, behind},
		{"a second restart, which the other has not seen", at(1, "", "1", 99, 1), at(2, "", "3", 90, 2), true, newRun},
		{"no times, noticed", at(1, "", "1", 0, 1), at(1, "", "7", 0, 2), true, newRun},
		{"no times, not noticed", at(1, "", "1", 0, 1), at(1, "", "7", 0, 2), false, stored},
		{"nothing stored yet has a run", at(0, "a", "1", 10, 1), at(0, "", "", 0, 0), false, behind},
	} {
		if got := locate(test.mine, test.last, test.noticed); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
