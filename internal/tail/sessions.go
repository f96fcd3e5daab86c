package tail

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
	"github.com/OneStepAt4time/resilient-sse/sse"
)

const (
	maxOwn   = 8               // sessions with a stream of their own: Aegis allows ten streams an address
	maxHeld  = 1000            // events of a session, while its own stream is opened
	listTime = 5 * time.Second // for the list of sessions; the stream of all waits meanwhile
)

// sessions are those of a server whose ids match a pattern. Each is followed on its
// own stream, which the server replays after an outage: that of all sessions is not
// replayed by some servers. It says which sessions there are besides those of the
// server's list, and brings the events of those that have no stream of their own.
//
// The lock is never held while an event is shown.
type sessions struct {
	all     *stream // that of all sessions
	pattern string

	mu     sync.Mutex
	byID   map[string]*member
	own    int       // streams of sessions
	most   int       // of them
	asked  bool      // for the list, since the stream of all was opened
	listed bool      // the server's list was read
	began  time.Time // when the stream of all was first opened, by the server's clock; zero if it has not said so
	told   bool      // that some sessions have no stream of their own
}

// A member is one session.
type member struct {
	state  memberState
	stream *stream     // its own; nil for none
	held   []sse.Event // came on the stream of all sessions while its own was opened
	lastID string      // of its own stream, once that is over
}

type memberState int

const (
	opening memberState = iota // its own stream is not open yet
	onOwn                      // that brings its events
	onAll                      // the stream of all sessions does
	over                       // its own stream has ended
)

func newSessions(all *stream) *sessions {
	return &sessions{all: all, pattern: all.target.Pattern, byID: map[string]*member{}, most: maxOwn}
}

// list asks the server which sessions there are, behind the first frame of each
// connection. What it finds after the first time has come meanwhile, so that all which
// the server has of it is new.
//
// A session of the first list is followed from when the stream of all was opened. No
// id is known there, so that it begins with all that the server has, and what was
// emitted before is not shown: times of one server can be compared.
func (l *sessions) list(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	list, err := l.all.w.opts.Access.Sessions(limited, l.all.target.Base)
	if err != nil {
		if ctx.Err() == nil && !l.listed {
			l.say("the server's list of sessions can't be read (" + explain.What(err) + "): their events come from the stream of all")
		}
		return
	}
	list = slices.DeleteFunc(list, func(s session.Info) bool { return !l.matches(s.ID) })
	from, since := "0", time.Time{}
	if asked := l.all.w.opts.Source.LastEventID; !l.listed && asked != "" {
		from = asked
	} else if !l.listed && !l.goesOn(ctx, list) {
		since = l.began
	}
	l.mu.Lock()
	l.listed = true
	l.mu.Unlock()
	for _, s := range list {
		l.join(ctx, s.ID, from, since)
	}
}

// goesOn tells whether the cursor has a position of any session: then an earlier run
// has ended there, and those of which it has none have come meanwhile.
func (l *sessions) goesOn(ctx context.Context, list []session.Info) bool {
	return l.all.w.opts.Cursor != nil && slices.ContainsFunc(list, func(s session.Info) bool {
		src, err := l.all.w.dial(&stream{w: l.all.w, target: l.target(s.ID), among: l}, nil)
		if err != nil {
			return false
		}
		_, ok, err := l.all.w.opts.Cursor.Load(ctx, src.Target())
		return ok && err == nil
	})
}

func (l *sessions) target(id string) target.Target {
	return target.Target{Arg: id, Label: id, Base: l.all.target.Base, ID: id, Origin: l.all.target.Origin}
}

// observe is told what happens to the stream of all sessions, before anybody else. What
// that misses is missing only where a session has no stream of its own.
func (l *sessions) observe(t client.Transition) {
	l.mu.Lock()
	aside := l.listed
	for _, m := range l.byID {
		aside = aside && m.state != onAll
	}
	l.mu.Unlock()
	l.all.status.Aside(aside)
	gap, ok := errors.AsType[*client.GapError](t.Cause)
	if o := &l.all.w.opts; ok && !aside && o.Source.FailOnGap && !o.AcceptGap && (gap.Certain || o.Source.FailOnUncertainGap) {
		l.all.w.stop(l.all.facts.WithHint(gap))
	}
}

func (l *sessions) matches(id string) bool {
	ok, _ := path.Match(l.pattern, id)
	return ok
}

// admits tells of an event of all sessions whether it is to be shown as such: whether
// its session matches and has no stream of its own.
func (l *sessions) admits(ctx context.Context, ev sse.Event) bool {
	env, err := session.Parse(ev)
	if !l.asked {
		l.asked = true
		if l.began.IsZero() && env.Kind == session.Connected {
			l.began = env.Timestamp
		}
		l.list(ctx)
	}
	if session.IsControl(ev) {
		return l.all.w.opts.Source.ControlFrames
	}
	if err != nil || !l.matches(env.SessionID) {
		return false
	}
	l.mu.Lock()
	m, listed := l.byID[env.SessionID], l.listed
	again := m != nil && m.state == over && env.SessionKind() != session.Ended // of that its own stream has told
	l.mu.Unlock()
	switch {
	case !listed:
		return true
	case m == nil: // it is new
		m = l.join(ctx, env.SessionID, "0", time.Time{})
	case again:
		m = l.join(ctx, env.SessionID, m.lastID, time.Time{})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.state == opening && len(m.held) < maxHeld {
		m.held = append(m.held, ev)
	}
	return m.state == onAll
}

// join gives a session a stream of its own, from an event and a time on, if there is
// one left. Only the goroutine of the stream of all sessions calls it.
func (l *sessions) join(ctx context.Context, id, from string, since time.Time) *member {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.byID[id]
	if m != nil && m.state != over {
		return m
	}
	m = &member{state: opening}
	l.byID[id] = m
	if l.own >= l.most {
		m.state = onAll
		l.tellOfAll()
		return m
	}
	l.own++
	s := &stream{w: l.all.w, target: l.target(id), among: l, from: from, since: since, status: l.all.status}
	m.stream = s
	s.opened = func() { // what is held comes on it too
		l.mu.Lock()
		defer l.mu.Unlock()
		m.state, m.held = onOwn, nil
	}
	l.all.w.running.Go(func() {
		if s.err = l.all.w.add(s, l.all.breaker); s.err == nil {
			s.err = s.follow(ctx)
		}
		if ctx.Err() == nil {
			l.left(ctx, s, m)
		}
	})
	return m
}

// left is called when a session's own stream is over. If that is no wanted end, the
// stream of all takes its place.
func (l *sessions) left(ctx context.Context, s *stream, m *member) {
	l.mu.Lock()
	l.own--
	if s.source != nil {
		m.lastID = s.source.LastEventID()
	}
	if tooMany(s.err) {
		l.most = min(l.most, l.own)
		l.tellOfAll()
	}
	if s.err == nil {
		m.state, m.held = over, nil
	}
	l.mu.Unlock()
	switch {
	case s.err == nil:
		s.status.Over()
		return
	case s.facts.Opened: // else it is not for everyone, or is over already
		l.say(termsafe.Line(s.target.Label) + ": " + explain.What(s.err) + "; its events come from the stream of all sessions from here on")
	}
	l.release(ctx, s, m)
}

// release shows what is held of a session before the stream of all takes over.
func (l *sessions) release(ctx context.Context, s *stream, m *member) {
	for {
		l.mu.Lock()
		held := m.held
		m.held = nil
		if len(held) == 0 {
			m.state = onAll
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for _, ev := range held {
			if _, err := s.take(ctx, ev); err != nil {
				l.all.w.stop(err)
				return
			}
		}
	}
}

// tellOfAll says once that there are more sessions than streams. The lock is held.
func (l *sessions) tellOfAll() {
	if !l.told {
		l.told = true
		l.say("more sessions than streams: the events of the others come from the stream of all sessions, which may not go back after an outage")
	}
}

func (l *sessions) say(text string) { l.all.status.Say(console.Yellow, "", text) }

// tooMany tells whether a stream was refused because there are others.
func tooMany(err error) bool {
	refused, ok := errors.AsType[*client.ResponseError](err)
	return ok && refused.StatusCode == http.StatusTooManyRequests
}

// isOld tells of an event of a session's own stream whether it was emitted before it is
// followed.
func (s *stream) isOld(ev sse.Event) bool {
	at, known := timeOf(ev)
	return known && at.Before(s.since)
}

// resumeID is the id behind which all of them go on. Ids are common to the sessions of
// a server, so that it is the least of those that are not over; empty where there is
// none.
func (l *sessions) resumeID() string {
	from := []*stream{l.all}
	l.mu.Lock()
	if l.listed {
		from = nil
	}
	for _, m := range l.byID {
		if m.state == onAll {
			from = append(from, l.all)
		} else if m.state == onOwn {
			from = append(from, m.stream)
		}
	}
	l.mu.Unlock()
	least, text := int64(0), ""
	for _, s := range from {
		id := s.source.LastEventID()
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 && (text == "" || n < least) {
			least, text = n, id
		}
	}
	return text
}
