package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// askTimeout is how long one question to JetStream may take: a leader that dies with
// the question answers nothing.
const askTimeout = 5 * time.Second

// Last returns the last event under a key; false if none is left.
func (s *Store) Last(ctx context.Context, k Key) (Event, bool, error) {
	st, err := s.of(k.Kind)
	if err != nil {
		return Event{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.read(st.GetLastMsgForSubject(ctx, s.subject(k)))
}

// Next returns the first event under a key at or behind a sequence; false if there
// is none.
func (s *Store) Next(ctx context.Context, k Key, from uint64) (Event, bool, error) {
	st, err := s.of(k.Kind)
	if err != nil {
		return Event{}, false, err
	}
	return s.first(ctx, st, s.subject(k), from)
}

// NextAny returns the first event of any session, or of any plain stream, at or
// behind a sequence.
func (s *Store) NextAny(ctx context.Context, kind Kind, from uint64) (Event, bool, error) {
	st, err := s.of(kind)
	if err != nil {
		return Event{}, false, err
	}
	return s.first(ctx, st, s.prefix+"."+string(kind)+".*", from)
}

func (s *Store) first(ctx context.Context, st jetstream.Stream, subject string, from uint64) (Event, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.read(st.GetMsg(ctx, max(from, 1), jetstream.WithGetMsgSubject(subject)))
}

func (s *Store) of(kind Kind) (jetstream.Stream, error) {
	st := s.events[kind]
	if st == nil {
		return nil, fmt.Errorf("relay: no events of kind %q are kept", kind)
	}
	return st, nil
}

func (s *Store) read(m *jetstream.RawStreamMsg, err error) (Event, bool, error) {
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return Event{}, false, nil
	case err != nil:
		return Event{}, false, fmt.Errorf("relay: read: %w", err)
	}
	e, err := s.event(m.Subject, m.Header, m.Data, m.Sequence, m.Time)
	return e, err == nil, err
}

// State returns the first and the last sequence of the events of a kind that are
// stored, as the stream's leader knows them, and how much there is. An empty
// stream's first is its last + 1.
func (s *Store) State(ctx context.Context, kind Kind) (jetstream.StreamState, error) {
	st, err := s.of(kind)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	info, err := st.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("relay: state of the store: %w", err)
	}
	return info.State, nil
}

// Born returns when the stream of the sessions' events was made.
func (s *Store) Born(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	info, err := s.events[Session].Info(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("relay: state of the store: %w", err)
	}
	return info.Created, nil
}

// Holes tells whether events of a kind are missing behind one sequence and up to another,
// which the caller knows to be stored.
func (s *Store) Holes(ctx context.Context, kind Kind, behind, to uint64) (bool, error) {
	kept, err := s.count(ctx, kind, behind+1)
	if err != nil || kept >= to-behind {
		return false, err
	}
	// A replica that is behind counts too few: it is looked up where they are.
	before := behind
	err = s.Range(ctx, Key{Kind: kind}, behind+1, to, func(e Event) error {
		if e.Seq > before+1 {
			return errHole
		}
		before = e.Seq
		return nil
	})
	if err != nil && err != errHole {
		return false, err
	}
	return err == errHole || before < to, nil
}

var errHole = errors.New("events are missing here")

// count returns how many events of a kind are stored from a sequence on, as one replica
// knows them.
func (s *Store) count(ctx context.Context, kind Kind, from uint64) (uint64, error) {
	st, err := s.of(kind)
	if err != nil {
		return 0, err
	}
	cons, done, err := consumer(ctx, st, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1)})
	if err != nil {
		return 0, fmt.Errorf("relay: state of the store: %w", err)
	}
	defer done()
	return cons.CachedInfo().NumPending, nil
}

// Lasts calls f with the last event under every key of a kind that has one, as one
// replica knows them, and maybe with events that were stored meanwhile, or again with older
// ones: of each key, the highest sequence that f is called with is the last up to the
// highest of all keys. That is how far the replica is, and it may be behind. With
// [ErrAnew] what f was called with means nothing.
func (s *Store) Lasts(ctx context.Context, kind Kind, f func(Event) error) error {
	name := ""
	return s.each(ctx, s.events[kind], jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}, func(m jetstream.Msg, seq uint64, meta *jetstream.MsgMetadata) error {
		if name == "" {
			name = meta.Consumer
		}
		if meta.Consumer != name {
			return ErrAnew
		}
		e, err := s.event(m.Subject(), m.Headers(), m.Data(), seq, meta.Timestamp)
		if err != nil {
			return err
		}
		return f(e)
	})
}

// ErrAnew says that a reading was lost, and what it has brought is not whole.
var ErrAnew = errors.New("relay: a consumer of the store was lost")

// Range calls f with the events from a sequence on, in order: those of one key or,
// with an empty name, those of all keys of its kind. It ends behind the event with
// the sequence to, which the caller knows to be stored, or where nothing is left; f
// ends it with an error, which is returned.
//
// A consumer reads from one replica, which may be behind: where it ends early, the
// leader is asked whether there is more. A new leader may be behind too: the end is
// believed where retention has taken away what the caller knows to be stored. Where it
// does not come, the error is [ErrBehind].
func (s *Store) Range(ctx context.Context, k Key, from, to uint64, f func(Event) error) error {
	st, err := s.of(k.Kind)
	if err != nil {
		return err
	}
	subject := s.prefix + "." + string(k.Kind) + ".*"
	if k.Name != "" {
		subject = s.subject(k)
	}
	wait := behindWait
	for range behindTries {
		before := from
		if from, err = s.rangeOnce(ctx, st, subject, from, to, f); err != nil || from > to {
			return err
		}
		more, ok, err := s.first(ctx, st, subject, from)
		if err != nil || ok && more.Seq > to {
			return err
		}
		if !ok {
			state, err := s.State(ctx, k.Kind)
			if err != nil || state.FirstSeq > to {
				return err
			}
		}
		if from > before {
			wait = behindWait
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, behindMax)
	}
	return ErrBehind
}

// ErrBehind says that a node answers that does not have all that was stored, as one does
// that has just become the leader. It must not be taken for a loss.
var ErrBehind = errors.New("relay: the store's leader is behind what was stored: it is to be asked again")

// A node that is behind is given so long before it is asked again.
const (
	behindTries = 10
	behindWait  = 10 * time.Millisecond
	behindMax   = time.Second
)

// rangeOnce reads from one replica. It returns where to go on.
func (s *Store) rangeOnce(ctx context.Context, st jetstream.Stream, subject string, from, to uint64, f func(Event) error) (uint64, error) {
	done := errors.New("done")
	err := s.each(ctx, st, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1), FilterSubjects: []string{subject},
	}, func(m jetstream.Msg, seq uint64, meta *jetstream.MsgMetadata) error {
		if seq < from { // a replica that is behind begins at its end
			return nil
		}
		if seq <= to {
			e, err := s.event(m.Subject(), m.Headers(), m.Data(), seq, meta.Timestamp)
			if err != nil {
				return err
			}
			if err := f(e); err != nil {
				return err
			}
		}
		if from = seq + 1; seq >= to {
			return done
		}
		return nil
	})
	if err == done {
		err = nil
	}
	return from, err
}

// each runs an ordered consumer until nothing is pending for it.
func (s *Store) each(ctx context.Context, st jetstream.Stream, c jetstream.OrderedConsumerConfig, f func(jetstream.Msg, uint64, *jetstream.MsgMetadata) error) error {
	if st == nil {
		return errors.New("relay: no events of that kind are kept")
	}
	cons, done, err := consumer(ctx, st, c)
	if err != nil {
		return fmt.Errorf("relay: read: %w", err)
	}
	defer done()
	if cons.CachedInfo().NumPending == 0 {
		return nil
	}
	it, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("relay: read: %w", err)
	}
	defer it.Stop()
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	for {
		m, err := it.Next(jetstream.NextMaxWait(askTimeout)) // one that was made anew may have nothing to give
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("relay: read: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("relay: read: %w", err)
		}
		if err := f(m, meta.Sequence.Stream, meta); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// consumer makes a consumer. It is to be given back: the server keeps one that is not
// for minutes, and a thousand of a stream at most.
func consumer(ctx context.Context, st jetstream.Stream, c jetstream.OrderedConsumerConfig) (cons jetstream.Consumer, done func(), err error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c.InactiveThreshold = idleConsumer
	if cons, err = st.OrderedConsumer(ask, c); err != nil {
		return nil, nil, err
	}
	return cons, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		_ = st.DeleteConsumer(ctx, cons.CachedInfo().Name) // else the server does, in time
	}, nil
}

// idleConsumer is how long the server keeps a consumer that nobody asks. A reader that
// is slow asks again behind it, with a new one.
const idleConsumer = time.Minute

// Follow calls f with every event of a kind from a sequence on, those stored and
// then those to come, in the order of their sequences and without a hole that the
// stream does not have, until the context is done or f returns an error.
func (s *Store) Follow(ctx context.Context, kind Kind, from uint64, f func(Event) error) error {
	st, err := s.of(kind)
	if err != nil {
		return err
	}
	cons, done, err := consumer(ctx, st, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	})
	if err != nil {
		return fmt.Errorf("relay: follow: %w", err)
	}
	defer done()
	it, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("relay: follow: %w", err)
	}
	defer it.Stop()
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	for {
		m, err := it.Next()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("relay: follow: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("relay: follow: %w", err)
		}
		e, err := s.event(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
}
