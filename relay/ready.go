package relay

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/ingest"
	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// outageGrace is how long an outage lasts before it is one: a server that ends a
// connection and takes the next is none.
const outageGrace = 5 * time.Second

// Ready returns nil if all is well. Else it says what is not, joined with
// [errors.Join]: an [*UnfollowedError], an [*OutageError] for each stream of the upstream
// that does not come, a [*StoreError] where JetStream does not take or give events.
// Readers get what is stored all the same, as far as the store can be read.
func (r *Relay) Ready() error {
	var errs []error
	if ids := r.in.Unfollowed(); len(ids) > 0 {
		errs = append(errs, &UnfollowedError{Sessions: ids})
	}
	ofStore := r.out.Err()
	for _, t := range r.in.Troubles() {
		switch {
		case t.Store:
			ofStore = t.Err
		case errors.Is(t.Err, ingest.ErrNotYet) || time.Since(t.Since) >= outageGrace:
			errs = append(errs, &OutageError{Stream: streamName(t.Key), Since: t.Since, Err: t.Err})
		}
	}
	if ofStore != nil {
		errs = append(errs, &StoreError{ofStore})
	}
	return errors.Join(errs...)
}

func streamName(k store.Key) string {
	if k == (store.Key{Kind: store.Session, Name: "*"}) {
		return "upstream"
	}
	return k.String()
}

// An UnfollowedError names the sessions that a relay can't follow: no stream of the
// upstream is left for them, and its global stream has no ids. Readers are served all
// the same.
type UnfollowedError struct{ Sessions []string }

func (e *UnfollowedError) Error() string {
	return fmt.Sprintf("relay: %d sessions can't be followed, for no stream of the upstream is left for them: %s", len(e.Sessions), strings.Join(e.Sessions, ", "))
}

// An OutageError says that a stream of the upstream does not come, and since when. It is
// tried again as long as the relay runs.
type OutageError struct {
	Stream string // "upstream" for the global stream, "session ID", or "stream NAME"
	Since  time.Time
	Err    error
}

func (e *OutageError) Error() string {
	return fmt.Sprintf("relay: %s does not come since %s: %v", e.Stream, e.Since.UTC().Format(time.RFC3339), e.Err)
}

func (e *OutageError) Unwrap() error { return e.Err }

// A StoreError says that JetStream does not take events, or does not give them. Both
// are tried again as long as the relay runs.
type StoreError struct{ Err error }

func (e *StoreError) Error() string {
	return "relay: store: " + strings.TrimPrefix(e.Err.Error(), "relay: ")
}

func (e *StoreError) Unwrap() error { return e.Err }
