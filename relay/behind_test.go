package relay

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// A newLeader is a JetStream whose streams do not find messages for some questions, as a
// leader does that has not caught up.
type newLeader struct {
	jetstream.JetStream
	left *atomic.Int32 // questions that are answered so
}

func (l newLeader) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	s, err := l.JetStream.Stream(ctx, name)
	return newLeaderStream{s, l.left}, err
}

func (l newLeader) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := l.JetStream.CreateStream(ctx, c)
	return newLeaderStream{s, l.left}, err
}

type newLeaderStream struct {
	jetstream.Stream
	left *atomic.Int32
}

func (s newLeaderStream) GetMsg(ctx context.Context, seq uint64, opts ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	if s.left.Add(-1) >= 0 {
		return nil, jetstream.ErrMsgNotFound
	}
	return s.Stream.GetMsg(ctx, seq, opts...)
}

// What a leader does not find yet is not lost.
func TestLeaderThatIsBehindIsNoGap(t *testing.T) {
	up := testserver.New(t, &testserver.Options{Window: 1000})
	js := newLeader{embedtest.New(t), new(atomic.Int32)}
	o := Options{Upstream: up.URL, All: true, Alone: true, JetStream: js}
	_, _, stop := start(t, o)
	s := up.Session("abc")
	const n = 10
	for i := range n {
		s.Message("user", fmt.Sprintf("m%d", i+1))
	}
	s.Ended("done")
	waitFor(t, func() bool { return len(storedTexts(t, js, o, "abc")) == n })
	stop()
	_, base, _ := start(t, o)
	waitFor(t, func() bool { return known(t, base, "abc") })
	js.left.Store(2)
	if got, gap := readBehind(t, base, "abc", "4"); gap || len(got) != n-4 {
		t.Errorf("on the session's stream a gap was told: %v; events: %q", gap, got)
	}
	js.left.Store(2)
	if got, gap := readAllBehind(t, base, "4", n-4); gap || len(got) != n-4 {
		t.Errorf("on the stream of all a gap was told: %v; events: %q", gap, got)
	}
}
