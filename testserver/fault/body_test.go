package fault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func f(faults ...fault.Fault) []fault.Fault { return faults }

var all = strings.Join(four, "")

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		want   string
		end    string
	}{
		{"none", nil, greeting + all, "over"},
		{"end", f(fault.End()), greeting, "end 0"},
		{"end after events", f(fault.End().AfterEvents(2)), greeting + four[0] + four[1], "end 0"},
		{"end after all", f(fault.End().AfterEvents(4)), greeting + all, "end 0"},
		{"cut after bytes", f(fault.CutAfter(12)), greeting + four[0][:3], "cut 1"},
		{"cut after no bytes", f(fault.CutAfter(0)), "", "cut 1"},
		{"cut after the greeting", f(fault.CutAfter(9)), greeting, "cut 1"},
		{"never by times", f(fault.Cut().Times(0)), greeting + all, "over"},
		{"never by probability", f(fault.Cut().Probability(0)), greeting + all, "over"},
		{"reset", f(fault.RST().AfterEvents(1)), greeting + four[0], "rst 2"},
		{"inside event", f(fault.CutInsideEvent().AfterEvents(1)), greeting + four[0] + "id: 2\ndata: 22\n", "cut_inside_event 1"},
		{"inside line", f(fault.CutInsideLine()), greeting + "id: 1\ndata", "cut_inside_line 1"},
		{"inside chunk header", f(fault.CutInsideChunkHeader()), greeting, "cut_inside_chunk_header 1 half of 16"},
		{"insert", f(fault.Insert(":x\n").AfterEvents(1)), greeting + four[0] + ":x\n" + four[1] + four[2] + four[3], "over"},
		{"insert inside", f(fault.Insert("#").AfterBytes(10)), greeting + "i#" + all[1:], "over"},
		{"repeat", f(fault.Repeat().AfterEvents(1)), greeting + four[0] + four[1] + four[1] + four[2] + four[3], "over"},
		{"drop", f(fault.Drop().Times(3)), greeting + four[3], "over"},
		{"reorder", f(fault.Reorder()), greeting + four[1] + four[0] + four[2] + four[3], "over"},
		{"reorder the last", f(fault.Reorder().AfterEvents(3)), greeting + all, "over"},
		{"on an id", f(fault.Drop().EventID("3")), greeting + four[0] + four[1] + four[3], "over"},
		{"cut at an id", f(fault.Cut().EventID("3")), greeting + four[0] + four[1], "cut 1"},
		{"insert at an id", f(fault.Insert("\n").EventID("2")), greeting + four[0] + "\n" + four[1] + four[2] + four[3], "over"},
		{"endless", f(fault.EndlessLine().Limit(9).AfterEvents(1)), greeting + four[0] + "data: xxx", "endless_line 1"},
		{"endless for nothing", f(fault.EndlessLine().Limit(0)), greeting, "endless_line 1"},
		{"endless, cut by bytes", f(fault.EndlessLine(), fault.CutAfter(16390)), greeting + "data: " + strings.Repeat("x", 16375), "cut 1"},
		// An event that is gone is offered to no further fault.
		{"drop, cut inside", f(fault.Drop(), fault.CutInsideEvent()), greeting + "id: 2\ndata: 22\n", "cut_inside_event 1"},
		{"reorder, cut inside", f(fault.Reorder(), fault.CutInsideLine()), greeting + "id: 2\ndata", "cut_inside_line 1"},
		{"cut inside, drop", f(fault.CutInsideEvent(), fault.Drop()), greeting + "id: 1\ndata: 11\n", "cut_inside_event 1"},
		{"repeat, drop", f(fault.Repeat(), fault.Drop()), greeting + four[1] + four[2] + four[3], "over"},
		{"drop, repeat", f(fault.Drop(), fault.Repeat()), greeting + four[1] + four[1] + four[2] + four[3], "over"},
		// Shapes act in their own order.
		{"shapes", f(fault.Slice(), fault.LineEnds("crlf"), fault.BOM()), "\ufeff" + strings.ReplaceAll(greeting+all, "\n", "\r\n"), "over"},
		{"twice one shape", f(fault.LineEnds("crlf"), fault.LineEnds("cr")), strings.ReplaceAll(greeting+all, "\n", "\r\n"), "over"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, tt.faults, func(t *testing.T, set *fault.Set, r *rig) {
				r.run()
				if got := r.text(); got != tt.want || r.end != tt.end {
					t.Errorf("got  %q, %s\nwant %q, %s", got, r.end, tt.want, tt.end)
				}
				if r.took() != 0 {
					t.Errorf("took %v", r.took())
				}
			})
		})
	}
}

// TestEndsStrikeDuringPauses: what ends a connection does so during whatever waits.
func TestEndsStrikeDuringPauses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		text   int // bytes behind the greeting
		end    string
		took   time.Duration
	}{
		{"stall", f(fault.Stall(), fault.Cut().AfterTime(300*time.Millisecond)), 0, "cut 1", 300 * time.Millisecond},
		{"stall, at once", f(fault.Stall(), fault.Cut()), 0, "cut 1", 0},
		{"stall that is over", f(fault.Stall().For(time.Second), fault.Cut().AfterTime(time.Minute)), 64, "over", time.Second},
		{"stall inside an event", f(fault.Stall().AfterBytes(12), fault.RST().AfterTime(time.Hour)), 3, "rst 2", time.Hour},
		{"stall without end", f(fault.Stall()), 0, "idle", 24 * time.Hour},
		{"stalled events", f(fault.StallEvents().AfterEvents(1), fault.End().AfterTime(time.Second)), 16, "end 0", time.Second},
		{"hold", f(fault.Hold(9).For(time.Hour), fault.Cut().AfterTime(time.Minute)), 64, "over", 0},
		{"drip", f(fault.Drip(1, 10*time.Second), fault.Cut().AfterTime(95*time.Second)), 1, "cut 1", 95 * time.Second},
		{"drip and stall", f(fault.Drip(1, 10*time.Second), fault.Stall().AfterTime(95*time.Second).For(time.Hour), fault.RST().AfterTime(30*time.Minute)), 1, "rst 2", 30 * time.Minute},
		{"latency", f(fault.Latency(time.Minute, 0), fault.Cut().AfterTime(30*time.Second)), 0, "cut 1", 30 * time.Second},
		{"endless", f(fault.EndlessData(), fault.End().AfterEvents(0).AfterBytes(20000)), 20000 - 9, "end 0", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, tt.faults, func(t *testing.T, set *fault.Set, r *rig) {
				r.run()
				if got := len(r.text()) - len(greeting); got != tt.text || r.end != tt.end || r.took() != tt.took {
					t.Errorf("got %d bytes, %s, after %v; want %d, %s, %v", got, r.end, r.took(), tt.text, tt.end, tt.took)
				}
			})
		})
	}
}

// TestWhatIsRemovedStops releases each kind that waits.
func TestWhatIsRemovedStops(t *testing.T) {
	for _, flt := range []fault.Fault{
		fault.Stall(), fault.StallEvents(), fault.Stall().AfterBytes(11), fault.Drip(1, time.Hour), fault.Latency(time.Hour, time.Hour),
	} {
		t.Run(flt.String(), func(t *testing.T) {
			in(t, f(flt), func(t *testing.T, set *fault.Set, r *rig) {
				time.AfterFunc(time.Second, func() { set.Remove(1) })
				r.run()
				if r.text() != greeting+all || r.end != "over" || r.took() != time.Second {
					t.Errorf("got %q, %s after %v", r.text(), r.end, r.took())
				}
			})
		})
	}
}

func TestLatency(t *testing.T) {
	in(t, f(fault.Latency(2*time.Second, 0)), func(t *testing.T, set *fault.Set, r *rig) {
		r.log, r.over = four[:2:2], false
		time.AfterFunc(time.Second, func() { r.publish(four[2], false) })
		time.AfterFunc(time.Minute, func() { r.publish(four[3], true) })
		r.run()
		want := "0s : hello|2s id: 1|2s id: 2|3s id: 3|1m2s id: 4"
		if got := firstLines(r.wrote); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func firstLines(wrote []string) string {
	var lines []string
	for _, w := range wrote {
		line, _, _ := strings.Cut(w, "\n")
		lines = append(lines, line)
	}
	return strings.Join(lines, "|")
}

func TestDrip(t *testing.T) {
	in(t, f(fault.Drip(30, time.Minute)), func(t *testing.T, set *fault.Set, r *rig) {
		if r.run(); r.text() != greeting+all || r.took() != 2*time.Minute {
			t.Errorf("got %q after %v", r.text(), r.took())
		}
	})
}

func TestInjectOnAnOpenConnection(t *testing.T) {
	in(t, nil, func(t *testing.T, set *fault.Set, r *rig) {
		r.over = false
		time.AfterFunc(time.Second, func() { add(t, set, fault.Cut().Conn(1), fault.Cut().AfterTime(3*time.Second)) })
		if r.run(); r.end != "cut 1" || r.took() != 3*time.Second || set.Info(1)[0].Fired != 0 {
			t.Errorf("ended %s after %v, %v", r.end, r.took(), set.Info(1, 2))
		}
	})
}
