package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Options of a [Store]. Zero fields mean the value that stands beside them.
type Options struct {
	// Prefix begins every subject and, in capitals and with "_" for ".", every
	// stream's name.
	Prefix string // "sse"

	Replicas int // 1

	// What is kept: no limit where 0.
	MaxAge    time.Duration
	MaxBytes  int64 // of the sessions' events, and of the plain streams', each
	MaxEvents int64 // of one session or plain stream

	Update bool // change limits and replicas of what is there to these
}

// A Store is where the events are. It is safe for concurrent use.
type Store struct {
	js     jetstream.JetStream
	prefix string
	events map[Kind]jetstream.Stream
	places jetstream.Stream // of the positions
}

// Open makes the streams, or finds them as they are to be. One that exists with
// another configuration is a [*ConfigError], unless only what Options.Update is about
// differs, and it is set: nothing is changed.
func Open(ctx context.Context, js jetstream.JetStream, o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = "sse"
	}
	if err := CheckPrefix(o.Prefix); err != nil {
		return nil, err
	}
	s := &Store{js: js, prefix: o.Prefix, events: make(map[Kind]jetstream.Stream)}
	name := strings.ToUpper(strings.ReplaceAll(o.Prefix, ".", "_"))
	base := jetstream.StreamConfig{
		Storage: jetstream.FileStorage, Replicas: max(o.Replicas, 1),
		// A direct read may come from a replica that is behind.
		AllowDirect: false,
		// Never by the id of a message: see the package comment.
		Duplicates: time.Second,
		DenyDelete: true,
	}
	for kind, suffix := range map[Kind]string{Session: "_SESSIONS", Plain: "_STREAMS"} {
		c := base
		c.Name, c.Subjects = name+suffix, []string{o.Prefix + "." + string(kind) + ".*"}
		c.Description = "events of server-sent event streams, kept by sse-relay"
		c.MaxAge, c.MaxBytes, c.MaxMsgsPerSubject = o.MaxAge, o.MaxBytes, o.MaxEvents
		if c.MaxAge > 0 {
			c.Duplicates = min(c.Duplicates, c.MaxAge)
		}
		st, err := ensure(ctx, js, c, o.Update)
		if err != nil {
			return nil, err
		}
		s.events[kind] = st
	}
	c := base
	c.Name, c.Subjects, c.MaxMsgsPerSubject = name+"_POSITIONS", []string{o.Prefix + ".position.>"}, 1
	c.Description = "the last event of each stream, for those that retention has emptied"
	var err error
	s.places, err = ensure(ctx, js, c, o.Update)
	return s, err
}

// CheckPrefix says what is wrong with the beginning of a subject.
func CheckPrefix(prefix string) error {
	for token := range strings.SplitSeq(prefix, ".") {
		for _, c := range []byte(token) {
			if !plainByte(c) {
				return fmt.Errorf("relay: prefix %q has a %q: letters, digits, - and _ in tokens between dots are allowed", prefix, c)
			}
		}
		if token == "" {
			return fmt.Errorf("relay: prefix %q has an empty token", prefix)
		}
	}
	return nil
}

// A ConfigError says that a stream exists and is not as the options want it.
type ConfigError struct {
	Stream string
	Differ []string // "max age is 1h0m0s, asked for is 2h0m0s"
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("relay: stream %s exists with another configuration (%s): give the same options as before, or update it",
		e.Stream, strings.Join(e.Differ, "; "))
}

// ensure returns the stream, made if there is none, or updated.
func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, update bool) (jetstream.Stream, error) {
	st, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if st, err = js.CreateStream(ctx, want); errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			st, err = js.Stream(ctx, want.Name) // another relay was quicker
		}
	}
	if err != nil {
		return nil, fmt.Errorf("relay: stream %s: %w", want.Name, err)
	}
	have := st.CachedInfo().Config
	if update && len(differences(have, want)) > 0 {
		have.MaxAge, have.MaxBytes, have.MaxMsgsPerSubject, have.Replicas, have.Duplicates = want.MaxAge, want.MaxBytes, want.MaxMsgsPerSubject, want.Replicas, want.Duplicates
		if len(differences(have, want)) == 0 {
			if st, err = js.UpdateStream(ctx, have); err != nil {
				return nil, fmt.Errorf("relay: stream %s: %w", want.Name, err)
			}
		}
	}
	if differ := differences(have, want); len(differ) > 0 {
		return nil, &ConfigError{want.Name, differ}
	}
	return st, nil
}

func differences(have, want jetstream.StreamConfig) (differ []string) {
	check := func(what string, have, want any) {
		if have != want {
			differ = append(differ, fmt.Sprintf("%s is %v, asked for is %v", what, have, want))
		}
	}
	limit := func(what string, have, want int64) { check(what, max(have, 0), max(want, 0)) } // the server says -1 for none
	check("its subjects", fmt.Sprint(have.Subjects), fmt.Sprint(want.Subjects))
	check("its replicas", have.Replicas, want.Replicas)
	check("its storage", have.Storage, want.Storage)
	check("its max age", have.MaxAge, want.MaxAge)
	limit("its max bytes", have.MaxBytes, want.MaxBytes)
	limit("its max events a stream", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	limit("its max messages", have.MaxMsgs, 0)
	check("direct reads", have.AllowDirect, want.AllowDirect)
	check("its retention", have.Retention, want.Retention)
	check("its discard policy", have.Discard, want.Discard)
	return differ
}
