package client_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

// What a hostile server sends without end costs one permanent error, one
// request, and memory in proportion to the limit (openai-go#368 retried it for
// ever; ANOLISA#2209 passed its limit with empty data lines).
func TestHostileStreamIsBounded(t *testing.T) {
	const limit = 1 << 20
	endless := func(head, again string) http.HandlerFunc {
		chunk := strings.Repeat(again, 32<<10/len(again))
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, err := io.WriteString(w, head)
			for err == nil {
				_, err = io.WriteString(w, chunk)
			}
		}
	}
	bomb := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		http.NewResponseController(w).Flush() // before it compresses: that takes longer than a header may
		z := gzip.NewWriter(w)
		io.WriteString(z, "data: ")
		chunk := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := z.Write(chunk); err != nil {
				return
			}
		}
	}
	for _, tt := range []struct {
		name    string
		header  http.Header
		handler http.HandlerFunc
	}{
		{"endless data line", nil, endless("data: ", "x")},
		{"endless line of no field", nil, endless("", "x")},
		{"endless comment", nil, endless(":", "x")},
		{"endless empty data lines", nil, endless("", "data:\n")},
		{"endless id", nil, endless("id: ", "7")},
		{"id of 10 MB", nil, events("id: " + strings.Repeat("7", 10<<20) + "\ndata: x\n\n")},
		{"gzip bomb", http.Header{"Accept-Encoding": {"gzip"}}, bomb},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newScript(t, tt.handler)
			es := mustNew(t, srv.URL, client.Options{Backoff: quick, MaxEventSize: limit, Request: client.Request{Header: tt.header}})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			data, err := collect(t, es)
			runtime.ReadMemStats(&after)

			if e, ok := errors.AsType[*sse.LimitError](err); !ok || e.Limit != limit || len(data) != 0 {
				t.Errorf("got %d events and %v, want a LimitError that names the limit", len(data), err)
			}
			if n := len(srv.requests); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if read := es.Stats().Bytes; read > 2*limit+64<<10 { // the buffer doubles
				t.Errorf("read %d bytes, want no more than twice the limit", read)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 8*limit {
				t.Errorf("allocated %d bytes in all, want no more than a few times the limit", spent)
			}
		})
	}
}

// Lines without an event are not an event: they take no memory and have no
// limit together.
func TestHeartbeatCommentsWithoutEnd(t *testing.T) {
	srv := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, strings.Repeat(": heartbeat\n", 100_000))
		io.WriteString(w, "data: x\n")
		io.WriteString(w, strings.Repeat("foo: bar\n: in the event\n", 100_000)) // nothing keeps them
		io.WriteString(w, "\n")
	})
	es := mustNew(t, srv.URL, client.Options{Backoff: quick, MaxEventSize: 64 << 10})
	if data, err := collect(t, es); err != nil || len(data) != 1 {
		t.Errorf("got %q, %v, want the event", data, err)
	}
}

// Compression that nobody asked for is decoded, as it comes, where it is gzip, and
// told from a stream that is broken where it is not.
func TestUnaskedCompression(t *testing.T) {
	seen := make(chan struct{})
	srv := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "data: x\n\n")
		z.Flush()
		http.NewResponseController(w).Flush()
		<-seen // or it would be held back until the end
		io.WriteString(z, "data: y\n\n")
		z.Close()
	}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	var got []string
	for ev, err := range mustNew(t, srv.URL, client.Options{Backoff: quick}).Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, ev.Data); len(got) == 1 {
			close(seen)
		}
	}
	if diff := cmp.Diff([]string{"x", "y"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	other := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "br")
	})
	_, err := collect(t, mustNew(t, other.URL, client.Options{}))
	if e, ok := errors.AsType[*client.ResponseError](err); !ok || !strings.Contains(e.Reason, `"br"`) {
		t.Errorf("got %v, want a ResponseError that names the encoding", err)
	}
}

func TestGzipWhenAskedFor(t *testing.T) {
	srv := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "data: x\n\n")
		z.Close()
	})
	es := mustNew(t, srv.URL, client.Options{Backoff: quick, Request: client.Request{Header: http.Header{"Accept-Encoding": {"gzip"}}}})
	if data, err := collect(t, es); err != nil || len(data) != 1 {
		t.Errorf("got %q, %v, want the event", data, err)
	}
}
