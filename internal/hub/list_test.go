package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// The list is what package session reads: all pages, the sessions that have not ended.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, hub.Config{Tokens: []string{"key"}})
		for i := range 250 {
			s.session(fmt.Sprintf("s%03d", i))
			time.Sleep(time.Second)
		}
		emit(t, s.session("s000"), "")
		s.session("s001").Emit(session.Ended, nil)
		got, err := session.List(context.Background(), url, http.Header{"Authorization": {"Bearer key"}}, s.client)
		if err != nil || len(got) != 249 || got[0].ID != "s000" || got[1].ID != "s002" || got[248].ID != "s249" {
			t.Fatalf("got %d sessions, %v: %+v", len(got), err, got)
		}
		if d := got[0].LastActivity.Sub(got[0].CreatedAt); d != 250*time.Second {
			t.Errorf("s000's last activity is %v after its creation, want 4m10s", d)
		}
		_, err = session.List(context.Background(), url, nil, s.client)
		if e, ok := errors.AsType[*session.ListError](err); !ok || e.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a token: got %v, want 401", err)
		}
		s = serve(t, hub.Config{Authorize: func(_ *http.Request, id hub.StreamID) error {
			if id.Kind == hub.OfAll {
				return errors.New("no")
			}
			return nil
		}})
		if resp := s.get("/v1/sessions"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("who may not have the global stream: got %s, want 403", resp.Status)
		}
	})
}
