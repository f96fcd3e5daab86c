package relay

import (
	"net/http"
	"testing"
	"time"
)

// waitFor waits until a fact is so.
func waitFor(t testing.TB, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatal("waited for a minute")
		case <-tick.C:
		}
	}
}

func httpHead(t testing.TB, url string) (int, error) {
	t.Helper()
	resp, err := http.Head(url)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}
