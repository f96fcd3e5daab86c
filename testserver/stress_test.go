package testserver_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/server"
	"github.com/OneStepAt4time/resilient-sse/sse"
	ts "github.com/OneStepAt4time/resilient-sse/testserver"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// TestEverythingAtOnce lets clients of HTTP/1.1 and of HTTP/2 come while random
// combinations of all kinds are in force: nothing hangs, no goroutine is left (the
// bubble would find it), and each connection's end has its reason.
func TestEverythingAtOnce(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(proto, " seed ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { everythingAtOnce(t, proto, rand.New(rand.NewPCG(11, seed))) })
			})
		}
	}
}

func everythingAtOnce(t *testing.T, proto string, random *rand.Rand) {
	const rounds = 60
	srv := ts.NewInMemory(t, &ts.Options{Seed: int64(random.Uint64() >> 1), Journal: 10 * rounds})
	client := clientOf(t, srv, proto)
	s, st := srv.Session("abc"), srv.Stream("s")
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	publishing.Go(func() { publishUntil(stop, s, st) })
	urls := []string{s.URL(), st.URL(), srv.GlobalURL()}
	var handles []*ts.Handle
	for range rounds {
		for range 1 + random.IntN(4) {
			handles = append(handles, srv.Inject(anyFault(random)))
		}
		var clients sync.WaitGroup
		for range 3 {
			url, asked, patience := urls[random.IntN(3)], []string{"", "0", "3"}[random.IntN(3)], time.Duration(1+random.IntN(90))*time.Second
			clients.Go(func() { read(t, client, url, asked, patience) })
		}
		clients.Wait()
		time.Sleep(time.Duration(random.IntN(4)) * time.Second) // a port that is shut opens
	}
	close(stop)
	publishing.Wait()
	for _, h := range handles {
		h.Remove()
	}
	srv.Drop()
	srv.For(t).Conns(0)
	synctest.Wait()
	if n := srv.Stats().Requests; n < rounds {
		t.Errorf("only %d requests came", n)
	}
	for _, r := range srv.Requests() {
		if r.Open || r.Why == "" {
			t.Errorf("no reason for the end of %s", r)
		}
	}
	if err := srv.Reset(); err != nil {
		t.Error(err)
	}
}

// clientOf returns a client that speaks one protocol.
func clientOf(t *testing.T, srv *ts.Server, proto string) *http.Client {
	transport := &http.Transport{
		Protocols: new(http.Protocols), DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return srv.Dial(ctx) },
	}
	transport.Protocols.SetHTTP1(proto == "HTTP/1.1")
	transport.Protocols.SetUnencryptedHTTP2(proto == "HTTP/2")
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// anyFault is one of all kinds, with conditions and triggers at random.
func anyFault(random *rand.Rand) fault.Fault {
	rows := fault.Kinds()
	row := rows[random.IntN(len(rows))]
	f := row.Example
	if row.Kind == fault.KindRefuse {
		f = fault.Refuse().For(time.Duration(1+random.IntN(5)) * time.Second)
	}
	has := func(member string) bool {
		return slices.Contains(row.Members, member)
	}
	if has("stream") {
		f = f.On([]string{"abc", "s", "*"}[random.IntN(3)])
	}
	if has("afterEvents") {
		switch random.IntN(4) {
		case 0:
			f = f.AfterEvents(random.IntN(5))
		case 1:
			f = f.AfterBytes(random.Int64N(500))
		case 2:
			f = f.AfterTime(time.Duration(random.IntN(60)) * time.Second)
		}
	}
	return f.Probability(0.8)
}

// publishUntil publishes an event each second.
func publishUntil(stop chan struct{}, s *server.Session, st *server.Stream) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Second):
		}
		s.Message("assistant", fmt.Sprint("número ", n))
		st.Send(sse.Event{ID: fmt.Sprint(n), HasID: true, Data: fmt.Sprint("número ", n)})
	}
}

// read follows a stream until it ends, or for a while.
func read(t *testing.T, client *http.Client, url, lastEventID string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := client.Do(req)
	if err != nil {
		return // refused, reset, a loop, the end of patience
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 16<<10)) // an endless line that is zipped is a thousand times that
}
