package catalogue_test

import (
	"strings"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/catalogue"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// TestAll: the scenarios are well formed, and as many as the documentation says.
func TestAll(t *testing.T) {
	all, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	classes, groups := map[scenario.Class]int{}, map[string]int{}
	for _, s := range all {
		group, _, ok := strings.Cut(s.Name, "/")
		if !ok {
			t.Errorf("%s: no group", s.Name)
		}
		classes[s.Class]++
		groups[group]++
		if (len(s.Conns) == 0) == (s.Live == nil) {
			t.Errorf("%s: neither connections nor a live server, or both", s.Name)
		}
		if len(s.Conns) > 0 && s.Conns[0].Optional && !s.TLS {
			t.Errorf("%s: a client that asks for nothing passes", s.Name)
		}
		// What the standard leaves open never counts in it.
		if s.Class == scenario.Standard && (s.Idle > 0 || strings.HasPrefix(s.Clause, "No clause")) {
			t.Errorf("%s: no clause of the standard", s.Name)
		}
	}
	for _, class := range scenario.Classes {
		if classes[class] < 25 {
			t.Errorf("%d scenarios are %s", classes[class], class)
		}
	}
	for _, group := range []string{"format", "http", "reconnect", "delay", "resume", "follow", "liveness", "limit"} {
		if groups[group] < 10 {
			t.Errorf("%d scenarios in group %s", groups[group], group)
		}
	}
	if len(all) < 300 {
		t.Errorf("%d scenarios", len(all))
	}
}
