package metrics

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Operators are told what each metric means.
func TestMetricsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/relay.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s, err := New(registerer(func(c prometheus.Collector) {
		descs := make(chan *prometheus.Desc, 16)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			_, rest, _ := strings.Cut(d.String(), `fqName: "`)
			name, _, _ := strings.Cut(rest, `"`)
			if n++; !strings.Contains(string(doc), "| `"+name) {
				t.Errorf("docs/relay.md does not say what %s means", name)
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delivered(func() float64 { return 0 }); err != nil {
		t.Fatal(err)
	}
	if n < 12 {
		t.Errorf("%d metrics", n)
	}
}

// registerer is told what is registered.
type registerer func(prometheus.Collector)

func (r registerer) Register(c prometheus.Collector) error   { r(c); return nil }
func (r registerer) MustRegister(cs ...prometheus.Collector) {}
func (r registerer) Unregister(prometheus.Collector) bool    { return false }
