package hub_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// burst is how many events are published before all readers must have got them.
const burst = 100

// A sink is the response to a reader that is as fast as any, and tells of each burst.
type sink struct {
	header http.Header
	seen   int
	behind *sync.WaitGroup
}

func (s *sink) Header() http.Header              { return s.header }
func (s *sink) WriteHeader(int)                  {}
func (s *sink) Flush()                           {}
func (s *sink) SetWriteDeadline(time.Time) error { return nil }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }

func (s *sink) Write(b []byte) (int, error) {
	for n := bytes.Count(b, []byte("\nd")); n > 0; n-- { // id, then data
		if s.seen++; s.seen%burst == 0 {
			s.behind.Done()
		}
	}
	return len(b), nil
}

// A bystander is a seam and a watcher that want nothing.
type bystander struct{ plan hub.Plan }

func (b bystander) Arrive(*hub.Visit) hub.Plan        { return b.plan }
func (bystander) Published(hub.StreamID, hub.Event)   {}
func (bystander) Arrived(*hub.Visit)                  {}
func (bystander) Opened(*hub.Visit, hub.Opened)       {}
func (bystander) Delivered(*hub.Visit, hub.Delivered) {}
func (bystander) Ended(*hub.Visit, hub.Ending)        {}

// A quietPlan wants nothing either.
type quietPlan struct{}

func (quietPlan) Answer(context.Context, http.ResponseWriter, *http.Request) hub.Answer {
	return hub.Answer{}
}
func (quietPlan) Admit(*hub.Opening)                            {}
func (quietPlan) Wrap(w hub.Wire) hub.Wire                      { return w }
func (quietPlan) Quiet() bool                                   { return true }
func (quietPlan) Event(_ hub.Progress, ev hub.Event) []hub.Part { return ev.Keep() }
func (quietPlan) Next(hub.Progress) hub.Step                    { return hub.Step{} }

// BenchmarkFanOut is what an event of 200 bytes costs until 100 readers have it, without
// sockets: with neither seam nor watcher, and with some that want nothing.
func BenchmarkFanOut(b *testing.B) {
	const readers = 100
	for _, bb := range []struct {
		name string
		cfg  hub.Config
	}{
		{"neither", hub.Config{}},
		{"watcher", hub.Config{Watcher: bystander{}}},
		{"seam without plans", hub.Config{Seam: bystander{}}},
		{"quiet plans", hub.Config{Seam: bystander{quietPlan{}}}},
		{"quiet plans and watcher", hub.Config{Seam: bystander{quietPlan{}}, Watcher: bystander{}}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			h, err := hub.New(bb.cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			abc, err := h.Session("abc")
			if err != nil {
				b.Fatal(err)
			}
			var behind, opened sync.WaitGroup
			for range readers {
				w := &sink{header: http.Header{}, seen: -1, behind: &behind}
				req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/sessions/abc/events", nil)
				req.ProtoMajor, req.ProtoMinor = 2, 0
				opened.Add(1)
				go func() {
					defer func() { recover() }() // net/http would
					opened.Done()
					h.ServeHTTP(w, req)
				}()
			}
			opened.Wait()
			for h.Stats().Open < readers {
				time.Sleep(time.Millisecond)
			}
			data := []byte(`{"text":"` + string(bytes.Repeat([]byte("x"), 100)) + `"}`)
			published := 0
			publish := func() {
				if published%burst == 0 {
					behind.Wait()
					behind.Add(readers)
				}
				if _, err := abc.Emit(session.Message, data); err != nil {
					b.Fatal(err)
				}
				published++
			}
			b.ReportAllocs()
			for b.Loop() {
				publish()
			}
			for published%burst != 0 {
				publish()
			}
			behind.Wait()
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/readers, "ns/delivery")
		})
	}
}
