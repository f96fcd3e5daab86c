package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Book has what an upstream has emitted, session by session. Its zero value is ready.
type Book struct {
	// Vague says that sessions come on a stream that they share, and a gap may be told
	// anywhere: who follows it can't know whose events it has lost. It is set before the
	// first event.
	Vague bool

	mu       sync.Mutex
	total    int // events of all sessions
	sessions map[string]*account
	moved    chan struct{} // closed when a reader has got something new; nil if nobody waits
}

// An account is what is known of one session. Its events are numbered from 1.
type account struct {
	emitted int
	places  []int        // of each event, among those of all sessions
	seen    int          // the last one that any reader was given
	lost    map[int]bool // by the upstream
	doubt   map[int]bool // where a gap may be told, though nothing is lost
	over    bool         // the last one says that the session has ended
}

func (b *Book) of(session string) *account {
	if b.sessions == nil {
		b.sessions = make(map[string]*account)
	}
	a := b.sessions[session]
	if a == nil {
		a = &account{lost: make(map[int]bool), doubt: make(map[int]bool)}
		b.sessions[session] = a
	}
	return a
}

// Next enters the next event of a session, and returns its text. It is called before
// the event is emitted.
func (b *Book) Next(session string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(session)
	a.emitted++
	b.total++
	a.places = append(a.places, b.total)
	return text(session, a.emitted)
}

// End enters the event that says that a session has ended, and returns its text.
func (b *Book) End(session string) string {
	t := b.Next(session)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(session).over = true
	return t
}

// Lose enters that the upstream has lost the last n events of a session, but for the
// last kept ones of these, before anybody could have them.
func (b *Book) Lose(session string, n, kept int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(session)
	for i := a.emitted - n + 1; i <= a.emitted-kept; i++ {
		a.lost[i] = true
	}
}

// Doubt enters that before the next event of each session a gap may be told, for who
// follows the upstream can't know whether something is missing there: its counter begins
// anew.
func (b *Book) Doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.sessions {
		a.doubt[a.emitted+1] = true
	}
}

// Ahead returns how many events the upstream has to have for readers: those that no
// reader was given yet or, where they come on one stream, all behind the first of these.
func (b *Book) Ahead() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ahead()
}

func (b *Book) ahead() (n int) {
	first := b.total + 1
	for _, a := range b.sessions {
		for i := a.seen + 1; i <= a.emitted; i++ {
			if !a.lost[i] {
				n++
				first = min(first, a.places[i-1])
			}
		}
	}
	if b.Vague {
		return b.total - first + 1
	}
	return n
}

// Emitted returns how many events there were, and how many of them are lost.
func (b *Book) Emitted() (n, lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.sessions {
		n += a.emitted
		lost += len(a.lost)
	}
	return n, lost
}

// Settle waits until at most so many events are ahead of all readers.
func (b *Book) Settle(ctx context.Context, most int) error {
	for {
		b.mu.Lock()
		n := b.ahead()
		if n <= most {
			b.mu.Unlock()
			return nil
		}
		if b.moved == nil {
			b.moved = make(chan struct{})
		}
		moved := b.moved
		b.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("events reached no reader, %d: %w", n, context.Cause(ctx))
		}
	}
}

// saw enters that a reader was given an event.
func (b *Book) saw(session string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(session)
	if n <= a.seen {
		return
	}
	a.seen = n
	if b.moved != nil {
		close(b.moved)
		b.moved = nil
	}
}

// A passage is what lies between two events of a session.
type passage struct {
	missing int  // events that the upstream had
	lost    bool // there are events that it had lost
	doubt   bool // a gap may be told
}

// between tells what is missing where event n follows on event last.
func (b *Book) between(session string, last, n int) (p passage, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.sessions[session]
	if a == nil || n > a.emitted {
		return p, false
	}
	for i := last + 1; i <= n; i++ {
		switch {
		case a.lost[i]:
			p.lost = true
		case i < n:
			p.missing++
		}
		p.doubt = p.doubt || b.Vague || a.doubt[i]
	}
	return p, true
}

// rest returns how many events behind the last one of a session are to come, and
// whether the session is over.
func (b *Book) rest(session string, last int) (n int, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(session)
	for i := last + 1; i <= a.emitted; i++ {
		if !a.lost[i] {
			n++
		}
	}
	return n, a.over
}

// Mark returns the last event of each session.
func (b *Book) Mark() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := make(map[string]int)
	for name, a := range b.sessions {
		m[name] = a.emitted
	}
	return m
}

func (b *Book) names() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.sessions {
		list = append(list, name)
	}
	return list
}

// text is what an event says: whose it is, which, and something that shows when it was
// altered on its way.
func text(session string, n int) string {
	const lines = "the test splits the input at a random byte – 行末は正しく数えられます ✅ \r\n\t\"quoted\" "
	return session + " " + strconv.Itoa(n) + " " + strings.Repeat(lines, n*7%5)
}

// read returns which event of a session a text is; 0 if it is none.
func read(session, s string) int {
	rest, ok := strings.CutPrefix(s, session+" ")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || text(session, n) != s {
		return 0
	}
	return n
}
