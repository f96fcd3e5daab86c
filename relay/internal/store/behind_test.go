package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/embed/embedtest"
)

// A replica is a stream whose consumers read from a copy of it that is behind, for a
// while, and whose leader does not find messages for as long.
type replica struct {
	jetstream.Stream
	copy jetstream.Stream
	left atomic.Int32 // consumers that still read from the copy
	new  atomic.Int32 // questions to the leader that it can't answer yet
}

func (r *replica) GetMsg(ctx context.Context, seq uint64, opts ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	if r.new.Add(-1) >= 0 {
		return nil, jetstream.ErrMsgNotFound
	}
	return r.Stream.GetMsg(ctx, seq, opts...)
}

func (r *replica) OrderedConsumer(ctx context.Context, c jetstream.OrderedConsumerConfig) (jetstream.Consumer, error) {
	if r.left.Add(-1) >= 0 {
		return r.copy.OrderedConsumer(ctx, c)
	}
	return r.Stream.OrderedConsumer(ctx, c)
}

// What a replica does not have yet is read all the same.
func TestRangeFromAReplicaThatIsBehind(t *testing.T) {
	js := embedtest.New(t)
	s := open(t, js, Options{})
	k := Key{Session, "abc"}
	var last uint64
	for id := range 5 {
		last = put(t, s, "abc", fmt.Sprint(id+1), last)
	}
	c := s.events[Session].CachedInfo().Config
	c.Name, c.Subjects = "BEHIND", nil
	c.Sources = []*jetstream.StreamSource{{Name: s.events[Session].CachedInfo().Config.Name}}
	behind, err := js.CreateStream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for {
		info, err := behind.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.LastSeq == 5 {
			break
		}
	}
	c.Sources = nil // it stays as it is
	if behind, err = js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for id := range 5 {
		last = put(t, s, "abc", fmt.Sprint(id+6), last)
	}
	r := &replica{Stream: s.events[Session], copy: behind}
	s.events[Session] = r
	for _, left := range []int32{0, 1, 2} {
		r.left.Store(left)
		r.new.Store(0)
		if holes, err := s.Holes(t.Context(), Session, 0, 10); err != nil || holes {
			t.Errorf("%d consumers read from the replica: holes %v, %v, want none", left, holes, err)
		}
	}
	for _, test := range []struct {
		k        Key
		from, to uint64
		left     int32
	}{
		{k, 1, 10, 0}, {k, 1, 10, 1}, {k, 6, 10, 2}, {Key{Kind: Session}, 3, 9, 3},
	} {
		r.left.Store(test.left)
		r.new.Store(test.left)
		next := test.from
		err := s.Range(t.Context(), test.k, test.from, test.to, func(e Event) error {
			if e.Seq != next {
				return fmt.Errorf("event %d comes, want %d", e.Seq, next)
			}
			next++
			return nil
		})
		if err != nil || next != test.to+1 {
			t.Errorf("%v from %d to %d: read up to %d, %v", test.k, test.from, test.to, next-1, err)
		}
	}
}

// What retention took away in the middle is a hole, and so is all that is gone.
func TestHoles(t *testing.T) {
	s := open(t, embedtest.New(t), Options{MaxEvents: 2})
	last := map[string]uint64{}
	for n, name := range []string{"a", "b", "a", "a", "c"} { // 1 is gone
		last[name] = put(t, s, name, fmt.Sprint(n+1), last[name])
	}
	for _, test := range []struct {
		behind, to uint64
		want       bool
	}{{0, 5, true}, {1, 5, false}, {3, 5, false}, {5, 5, false}} {
		if got, err := s.Holes(t.Context(), Session, test.behind, test.to); got != test.want || err != nil {
			t.Errorf("behind %d up to %d: %v, %v, want %v", test.behind, test.to, got, err, test.want)
		}
	}
	for n := range 3 {
		last["c"] = put(t, s, "c", fmt.Sprint(n+6), last["c"])
	}
	if got, err := s.Holes(t.Context(), Session, 4, 8); !got || err != nil { // 5 and 6 are gone
		t.Errorf("in the middle: %v, %v, want true", got, err)
	}
	if err := s.events[Session].Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Holes(t.Context(), Session, 4, 8); !got || err != nil {
		t.Errorf("all gone: %v, %v, want true", got, err)
	}
}

// A lossy is a stream whose consumers are lost behind their first message, and made anew.
type lossy struct{ jetstream.Stream }

func (s lossy) OrderedConsumer(ctx context.Context, c jetstream.OrderedConsumerConfig) (jetstream.Consumer, error) {
	cons, err := s.Stream.OrderedConsumer(ctx, c)
	return lossyConsumer{cons}, err
}

type lossyConsumer struct{ jetstream.Consumer }

func (c lossyConsumer) Messages(opts ...jetstream.PullMessagesOpt) (jetstream.MessagesContext, error) {
	it, err := c.Consumer.Messages(opts...)
	return &lossyMessages{MessagesContext: it}, err
}

type lossyMessages struct {
	jetstream.MessagesContext
	n int
}

func (it *lossyMessages) Next(opts ...jetstream.NextOpt) (jetstream.Msg, error) {
	m, err := it.MessagesContext.Next(opts...)
	it.n++
	return lossyMsg{m, fmt.Sprint("consumer ", min(it.n, 2))}, err
}

type lossyMsg struct {
	jetstream.Msg
	consumer string
}

func (m lossyMsg) Metadata() (*jetstream.MsgMetadata, error) {
	meta, err := m.Msg.Metadata()
	if err == nil {
		meta.Consumer = m.consumer
	}
	return meta, err
}

// A list of last events that two consumers have brought is not whole.
func TestLastsOfAConsumerThatWasLost(t *testing.T) {
	s := open(t, embedtest.New(t), Options{})
	for _, name := range []string{"a", "b", "c"} {
		put(t, s, name, "1", 0)
	}
	s.events[Session] = lossy{s.events[Session]}
	if err := s.Lasts(t.Context(), Session, func(Event) error { return nil }); !errors.Is(err, ErrAnew) {
		t.Errorf("got %v, want ErrAnew", err)
	}
}
