package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

func TestMain(m *testing.M) {
	if beChild(roles) {
		return
	}
	os.Exit(m.Run())
}

func startSource(tb testing.TB) *child {
	tb.Helper()
	src, err := startChild("source", command{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(src.close)
	return src
}

// What is compared must do the same work: each contender has each event.

func TestDecoders(t *testing.T) {
	for _, f := range plainFeeds {
		for _, d := range append(decoders, decoder{copying, copyAlone}) {
			if n, err := d.decode(f.events(300), f); allOf(n, 300, err) != nil {
				t.Errorf("%s, %s: %v", d.name, f.name, allOf(n, 300, err))
			}
		}
	}
}

func TestFollowers(t *testing.T) {
	src := startSource(t)
	for _, who := range followers {
		for _, f := range append([]feed{talk}, plainFeeds...) {
			n, err := who.follow(f.client(3000), "http://memory.test/", f, 3000)
			if err := allOf(n, 3000, err); err != nil {
				t.Errorf("%s in memory, %s: %v", who.name, f.name, err)
			}
		}
		for _, way := range ways {
			n, err := who.follow(http.DefaultClient, streamURL(src.url, way.path, 300), medium, 300)
			if err := allOf(n, 300, err); err != nil {
				t.Errorf("%s over loopback, %s: %v", who.name, way.words, err)
			}
		}
	}
	n, err := followSession(talk.client(3000), "http://memory.test", talk, 3000)
	if err := allOf(n, 3000, err); err != nil {
		t.Errorf("session: %v", err)
	}
}

func TestSourceEndsItsStream(t *testing.T) {
	src := startSource(t)
	for _, way := range ways {
		resp, err := http.Get(streamURL(src.url, way.path, 130)) // two pieces and a bit
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := medium.count()
		for ev, err := range sse.Read(resp.Body) {
			if err != nil {
				t.Fatal(err)
			}
			got.see(len(ev.Data))
		}
		if got.n != 130 {
			t.Errorf("%s: %d events, want 130", way.words, got.n)
		}
	}
}

func TestServers(t *testing.T) {
	for name := range servers {
		d, err := deliver(name, 3, 0, command{N: 200, Data: shortData})
		if err != nil || d.part != 1 {
			t.Errorf("%s: %.4f of the events came, %v; want all", name, d.part, err)
		}
	}
}

func TestStalledReaderHoldsNobody(t *testing.T) {
	d, err := deliver(serverOurs, 2, 1, command{N: 20_000, Data: string(eventMark) + stalledData})
	if err != nil || d.part != 1 {
		t.Errorf("%.4f of the events came, %v; want all", d.part, err)
	}
}

func TestHolds(t *testing.T) {
	src := startSource(t)
	for _, how := range holds {
		r, err := hold(src.url, how, 20)
		if err != nil {
			t.Errorf("%s: %v", how, err)
		} else if r.Bytes <= 0 || r.Goroutines < 20 {
			t.Errorf("%s: %d bytes a stream and %d goroutines for 20", how, r.Bytes, r.Goroutines)
		}
	}
}

func TestRestart(t *testing.T) {
	for _, protocol := range []string{http1, http2} {
		rows, err := restart(20, protocol, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if lost := rows[0]; !lost.met() {
			t.Errorf("%s: %s", lost.what, lost.figure)
		}
	}
}

func TestCursors(t *testing.T) {
	rows, err := cursors(50, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].figure == "" {
		t.Error("nothing was measured")
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	err := writeTable(&out, []row{
		{what: "speed", figure: "3 M/s", beside: "peer: 1 M/s", ratio: 3, atLeast: true, target: 3},
		{what: "memory", figure: "5 KiB", beside: "2 KiB", ratio: 2.5, target: 2},
		{what: "command", skipped: "curl is not installed"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `what     ours                   beside       ratio  target  met
speed    3 M/s                  peer: 1 M/s  3.00   ≥ 3.00  yes
memory   5 KiB                  2 KiB        2.50   ≤ 2.00  no
command  curl is not installed                              not measured
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, f := range plainFeeds {
		for _, d := range decoders {
			b.Run(f.name+"/"+d.name, func(b *testing.B) {
				const n = 1000
				b.SetBytes(n * int64(f.size))
				b.ReportAllocs()
				for b.Loop() {
					if got, err := d.decode(f.events(n), f); allOf(got, n, err) != nil {
						b.Fatal(allOf(got, n, err))
					}
				}
			})
		}
	}
}

func BenchmarkClientInMemory(b *testing.B) {
	const n = 1000
	for _, f := range append([]feed{talk}, plainFeeds...) {
		for _, who := range followers {
			b.Run(f.name+"/"+who.name, func(b *testing.B) {
				benchmarkFollower(b, who, f.client(n), "http://memory.test/", f, n)
			})
		}
	}
	b.Run(talk.name+"/resilient-sse, as a session", func(b *testing.B) {
		benchmarkFollower(b, follower{"", followSession}, talk.client(n), "http://memory.test", talk, n)
	})
}

func BenchmarkClientLoopback(b *testing.B) {
	src := startSource(b)
	for _, way := range ways {
		for _, who := range followers {
			b.Run(way.path+"/"+who.name, func(b *testing.B) {
				const n = 10_000
				benchmarkFollower(b, who, http.DefaultClient, streamURL(src.url, way.path, n), medium, n)
			})
		}
	}
}

func benchmarkFollower(b *testing.B, who follower, hc *http.Client, url string, f feed, n int) {
	b.SetBytes(int64(n) * int64(f.size))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := who.follow(hc, url, f, n); allOf(got, n, err) != nil {
			b.Fatal(allOf(got, n, err))
		}
	}
}
