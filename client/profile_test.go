package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// The test server as Aegis 0.6.6: a full window is a possible gap, and a session
// that was followed is gone behind a restart.
func TestAegisProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const id = "5e38af8b-f934-429c-bc53-a956a5882a2e"
		srv := testserver.NewInMemory(t, &testserver.Options{Profile: testserver.Aegis066})
		s := srv.Session(id)
		var gaps []*client.GapError
		es, err := client.Session(srv.URL, id, &client.Options{HTTPClient: srv.Client(), Observer: func(tr client.Transition) {
			if gap, ok := tr.Cause.(*client.GapError); ok {
				gaps = append(gaps, gap)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			time.Sleep(time.Second)
			s.Message("user", "first")
			time.Sleep(time.Second)
			srv.Drop()
			for range 60 {
				s.Message("user", "missed")
			}
			time.Sleep(10 * time.Second)
			srv.Reset() // as after a restart of Aegis: sessions are gone
		}()
		n := 0
		var last error
		for _, err := range es.Events(ctx) {
			if last = err; err == nil {
				n++
			}
		}
		if n != 51 || len(gaps) != 1 || gaps[0].Certain {
			t.Errorf("got %d events and gaps %v; want 51 and one that is possible", n, gaps)
		}
		if _, ok := errors.AsType[*client.SessionGoneError](last); !ok {
			t.Errorf("ended with %v, want a *SessionGoneError", last)
		}
	})
}
