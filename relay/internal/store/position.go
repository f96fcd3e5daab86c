package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Position is the last event under a key, kept without an age: what is known of a
// key that retention has emptied.
type Position struct {
	Seq    uint64 `json:"seq"` // of the event
	Origin Origin `json:"origin"`
}

// SavePosition keeps the position of a key, unless one further on is kept already.
func (s *Store) SavePosition(ctx context.Context, k Key, p Position) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	for {
		old, rev, err := s.position(ctx, k)
		if err != nil {
			return err
		}
		if old.Seq >= p.Seq {
			return nil
		}
		m := nats.NewMsg(s.place(k))
		m.Data = b
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(rev, 10)}
		err = s.tell(ctx, m)
		api, isAPI := errors.AsType[*jetstream.APIError](err)
		switch {
		case err == nil:
			return nil
		case isAPI && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant):
		default:
			return fmt.Errorf("relay: position of %v: %w", k, err)
		}
	}
}

func (s *Store) tell(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	_, err := s.js.PublishMsg(ctx, m)
	return err
}

// PositionOf returns the position of a key; the zero Position if none is kept.
func (s *Store) PositionOf(ctx context.Context, k Key) (Position, error) {
	p, _, err := s.position(ctx, k)
	return p, err
}

func (s *Store) position(ctx context.Context, k Key) (p Position, rev uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m, err := s.places.GetLastMsgForSubject(ctx, s.place(k))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return p, 0, nil
	case err != nil:
		return p, 0, fmt.Errorf("relay: position of %v: %w", k, err)
	}
	if err := json.Unmarshal(m.Data, &p); err != nil {
		return p, 0, fmt.Errorf("relay: position of %v: %w", k, err)
	}
	return p, m.Sequence, nil
}

// Positions calls f with every position that is kept.
func (s *Store) Positions(ctx context.Context, f func(Key, Position) error) error {
	return s.each(ctx, s.places, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}, func(m jetstream.Msg, seq uint64, _ *jetstream.MsgMetadata) error {
		var p Position
		kind, token, _ := strings.Cut(strings.TrimPrefix(m.Subject(), s.prefix+".position."), ".")
		name, ok := Untoken(token)
		if err := json.Unmarshal(m.Data(), &p); err != nil || !ok {
			return fmt.Errorf("relay: position %d, on subject %q, is none of ours", seq, m.Subject())
		}
		return f(Key{Kind(kind), name}, p)
	})
}

func (s *Store) place(k Key) string {
	return s.prefix + ".position." + string(k.Kind) + "." + Token(k.Name)
}
