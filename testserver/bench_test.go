package testserver_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
)

// burst is how many events are published before all readers must have got them:
// else the readers, who share the machine, would fall behind without end.
const burst = 100

// fill is how many events fill what the kernel holds for who is stalled.
const fill = 40 * burst

// BenchmarkPublish is what one event costs from its publishing until all who read
// have it, on sockets. Those who are stalled must not make a difference.
func BenchmarkPublish(b *testing.B) {
	for _, bb := range []struct{ readers, stalled int }{{0, 0}, {1, 0}, {500, 0}, {500, 500}, {1000, 0}} {
		b.Run(fmt.Sprintf("readers=%d/stalled=%d", bb.readers, bb.stalled), func(b *testing.B) {
			srv, err := ts.Start(nil)
			if err != nil {
				b.Fatal(err)
			}
			defer srv.Close()
			s := srv.Session("abc")
			var behind sync.WaitGroup // readers that have not got the burst
			for i := range bb.readers + bb.stalled {
				c, err := srv.Dial(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				fmt.Fprintf(c, "GET /v1/sessions/abc/events HTTP/1.1\r\nHost: x\r\n\r\n")
				if i < bb.readers {
					go readBursts(c, &behind)
				} else if tcp, ok := c.(*net.TCPConn); ok {
					tcp.SetReadBuffer(4 << 10) // soon full
				}
			}
			if err := srv.WaitConns(b.Context(), bb.readers+bb.stalled); err != nil {
				b.Fatal(err)
			}
			text := strings.Repeat("x", 1<<10)
			published := 0
			publish := func() {
				if published%burst == 0 {
					behind.Wait()
					behind.Add(bb.readers)
				}
				s.Message("assistant", text)
				published++
			}
			for range fill {
				publish()
			}
			b.ReportAllocs()
			for b.Loop() {
				publish()
			}
			for published%burst != 0 {
				publish()
			}
			behind.Wait()
			b.ReportMetric(float64(bb.readers)*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			if open := srv.Stats().Open; open != bb.readers+bb.stalled {
				b.Errorf("%d connections are left of %d and %d", open, bb.readers, bb.stalled)
			}
		})
	}
}

// readBursts counts events, and tells of each burst.
func readBursts(r io.Reader, behind *sync.WaitGroup) {
	in := bufio.NewReaderSize(r, 16<<10)
	for n := 0; ; {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if bytes.HasPrefix(line, []byte("id: ")) {
			if n++; n%burst == 0 {
				behind.Done()
			}
		}
	}
}
