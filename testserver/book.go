package testserver

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/hub"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// A book is what the server remembers for a test: the journal of requests, what each
// stream has published and who got it, what faults have done, and who waits for a
// fact. The hub and the faults tell it under their locks, so who holds its lock calls
// neither.
type book struct {
	mu       sync.Mutex
	max      int                   // entries that are kept
	count    int64                 // entries there ever were
	streams  int64                 // those of requests for streams
	kept     []*entry              // the newest ones, oldest first
	visits   map[*hub.Visit]*entry // those under way
	passes   map[*entry]struct{}   // the same, of those that go to another server
	running  int                   // streams whose head is on its way
	faults   int64                 // strikes
	restarts int64
	fired    map[int]int // strikes, by the fault's number
	panics   []string
	records  map[hub.StreamID]*record
	ledger   ledger
	names    map[string]hub.Kind // of sessions and plain streams that a test has named
	waits    map[*wait]struct{}
	resets   int // how often all was forgotten; what has a number from before means nothing
	closed   bool
	done     chan struct{} // closed with the server
}

func newBook(journal, record int) *book {
	b := &book{max: journal, ledger: ledger{max: record}, done: make(chan struct{})}
	b.clear()
	return b
}

// clear forgets all but who waits. The caller holds the lock, or is alone.
func (b *book) clear() {
	b.count, b.streams, b.kept, b.running, b.faults, b.restarts = 0, 0, nil, 0, 0, 0
	b.visits = make(map[*hub.Visit]*entry)
	b.passes = make(map[*entry]struct{})
	b.fired = make(map[int]int)
	b.records = make(map[hub.StreamID]*record)
	b.names = make(map[string]hub.Kind)
	b.ledger = ledger{max: b.ledger.max}
	if b.waits == nil {
		b.waits = make(map[*wait]struct{})
	}
}

// reset forgets all, and lets waits look.
func (b *book) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.resets++
	b.check()
}

// close ends all waits.
func (b *book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
}

// An entry is one request in the journal.
type entry struct {
	Request
	visit  int64
	conn   *fault.Conn
	record *record       // of its stream; nil if it has none
	got    spans         // places of the record that its connection got
	sent   hub.Delivered // the newest of it: what that is called is asked less often than it changes
	track  *track        // of the log that its connection reads
	open   bool          // the stream is under way
	end    func(error)   // of one that goes to another server: ends it, with an order; nil for others
}

// request returns what a test sees of it.
func (e *entry) request() Request {
	r := e.Request
	if e.sent.Events > 0 {
		r.LastSent = e.sent.Name()
	}
	return r
}

// add enters a request. The caller holds the lock.
func (b *book) add(r *http.Request, at time.Time) *entry {
	b.count++
	e := &entry{Request: Request{
		Number: b.count, Time: at, RemoteAddr: r.RemoteAddr, Proto: r.Proto, Method: r.Method,
		URL: maskToken(r.URL), Header: r.Header.Clone(), LastEventID: r.Header.Get("Last-Event-ID"), Open: true,
	}}
	if len(b.kept) == b.max {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	b.kept = append(b.kept, e)
	return e
}

// aside enters a request that is for no stream.
func (b *book) aside(r *http.Request) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.add(r, time.Now())
}

// finish ends an entry of a request that was for no stream.
func (b *book) finish(e *entry, status int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over(e, status, why)
}

// over ends an entry. The caller holds the lock.
func (b *book) over(e *entry, status int, why string) {
	e.Status, e.End, e.Why, e.Open = status, time.Now(), why, false
	b.check()
}

// passing enters a request that goes to another server; its stream has a name without
// there being one here.
func (b *book) passing(r *http.Request, name string, end func(error)) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.add(r, time.Now())
	e.Stream, e.end = name, end
	b.passes[e] = struct{}{}
	b.streams++
	b.check()
	return e
}

// progress notes how far a stream from another server is.
func (b *book) progress(e *entry, events int, bytes int64, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.passes[e]; known && !e.open { // unknown: the server was reset meanwhile
		e.open, e.Status = true, http.StatusOK
		b.running++
	}
	e.Events, e.Bytes = events, bytes
	if id != "" {
		e.LastSent = id
	}
	b.check()
}

// passed ends such an entry.
func (b *book) passed(e *entry, status int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.passes[e]; known && e.open {
		b.running--
	}
	e.open = false
	delete(b.passes, e)
	b.over(e, status, why)
}

// endPassing ends what goes to another server, and returns how many streams that were.
func (b *book) endPassing(o *order) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := range b.passes {
		e.end(o)
		if e.open {
			n++
		}
	}
	return n
}

// maxBody is how much of a request's body the journal keeps.
const maxBody = 64 << 10

// Arrived enters a request for a stream. The hub's lock is held, as in all of the
// following.
func (b *book) Arrived(v *hub.Visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.add(v.Request, v.Time)
	e.visit, e.Stream, e.Unknown = v.Number, b.nameOf(v.Stream), !v.Known
	e.Body = string(v.Body[:min(len(v.Body), maxBody)])
	b.visits[v] = e
	b.streams++
	b.check()
}

// Opened notes where a stream starts.
func (b *book) Opened(v *hub.Visit, o hub.Opened) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.visits[v]
	if e == nil {
		return
	}
	e.Status, e.Start, e.Gap, e.open = http.StatusOK, o.Start, o.Gap, true
	e.record = b.recordOf(v.Stream)
	e.track = e.record.track(o.Log)
	e.record.open++
	b.running++
	b.check()
}

// Published notes an event.
func (b *book) Published(id hub.StreamID, ev hub.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.post(b.recordOf(id), ev)
	b.check()
}

// Delivered notes who got which events as a whole.
func (b *book) Delivered(v *hub.Visit, d hub.Delivered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.visits[v]
	if e == nil || e.record == nil {
		return
	}
	e.Events += d.Events
	e.Bytes, e.sent = d.Bytes, d
	if d.From > 0 {
		e.track.each(d.From, d.To, func(from, to int) {
			e.got = e.got.with(from, to)
			e.record.got = e.record.got.with(from, to)
		})
	}
	b.check()
}

// Ended ends an entry. Before anybody learns of it, the connection's faults are at an
// end: who has waited for that draws no other chances for what comes.
func (b *book) Ended(v *hub.Visit, end hub.Ending) {
	if c := b.faultsOf(v); c != nil {
		c.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.visits[v]
	if e == nil {
		return
	}
	delete(b.visits, v)
	e.Status, e.Why, e.End, e.Open = end.Status, end.Why, time.Now(), false
	if e.open {
		e.open = false
		e.Bytes = end.Bytes
		e.record.open--
		b.running--
	}
	b.check()
}

// faultsOf returns what the faults of a request want; nil if there are none.
func (b *book) faultsOf(v *hub.Visit) *fault.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.visits[v]; e != nil {
		return e.conn
	}
	return nil
}

// entryOf returns the entry of a request that has arrived.
func (b *book) entryOf(v *hub.Visit) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.visits[v]; e != nil {
		return e
	}
	return &entry{} // the server was reset meanwhile
}

// setFaults lets the entry's end be the end of what its faults want.
func (b *book) setFaults(e *entry, c *fault.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.conn = c
}

// struck notes a strike of a fault.
func (b *book) struck(s fault.Strike) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults++
	b.fired[s.Number]++
	if e, ok := s.Tag.(*entry); ok {
		e.Faults = append(e.Faults, s.Kind)
	}
	b.check()
}

func (b *book) notePanic(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panics = append(b.panics, text)
}

func (b *book) panicked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.panics)
}

// name reserves a name for a kind of stream; an error if the other kind has it. Who
// names a stream to a fault, to a wait or to an assertion can mean one alone.
func (b *book) name(id hub.StreamID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kind, taken := b.names[id.Name]; taken && kind != id.Kind {
		return errNameTaken(id)
	}
	b.names[id.Name] = id.Kind
	return nil
}

// nameOf returns the name of a stream; "" if it is that of one of the other kind. The
// caller holds the lock.
func (b *book) nameOf(id hub.StreamID) string {
	if id.Kind == hub.OfAll {
		return Global
	}
	if kind, taken := b.names[id.Name]; taken && kind != id.Kind {
		return ""
	}
	return id.Name
}

// idOf finds the stream of a name. The caller holds the lock.
func (b *book) idOf(name string) (id hub.StreamID, ok bool) {
	if name == Global {
		return hub.GlobalID, true
	}
	kind, ok := b.names[name]
	return hub.StreamID{Kind: kind, Name: name}, ok
}

// knows tells whether there is, or was, a stream of a name.
func (b *book) knows(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.idOf(name)
	return ok
}

// find returns the record of a name; nil if there is none. The caller holds the lock.
func (b *book) find(name string) *record {
	if id, ok := b.idOf(name); ok {
		return b.recordOf(id)
	}
	return nil
}

// recordOf returns the record of a stream. The caller holds the lock.
func (b *book) recordOf(id hub.StreamID) *record {
	r := b.records[id]
	if r == nil {
		r = &record{byID: make(map[string]int), tracks: make(map[int64]*track)}
		b.records[id] = r
	}
	return r
}

// spans are sets of numbers: ranges with the end excluded, ascending, apart.
type spans [][2]int

// with returns the set with a range added.
func (s spans) with(from, to int) spans {
	i := len(s)
	for i > 0 && s[i-1][1] >= from {
		i--
	}
	j := i
	for j < len(s) && s[j][0] <= to {
		from, to = min(from, s[j][0]), max(to, s[j][1])
		j++
	}
	if j == i+1 { // the usual case: one range grows
		s[i] = [2]int{from, to}
		return s
	}
	return slices.Replace(s, i, j, [2]int{from, to})
}

// has tells whether a number is in the set.
func (s spans) has(n int) bool {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i][0] <= n {
			return n < s[i][1]
		}
	}
	return false
}

// maskToken returns a URL as it was sent, without the secret in it.
func maskToken(u *url.URL) string {
	path, query, ok := strings.Cut(u.RequestURI(), "?")
	if !ok {
		return path
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, err := url.QueryUnescape(strings.SplitN(part, "=", 2)[0]); err != nil || name == "token" {
			parts[i] = "token=***"
		}
	}
	return path + "?" + strings.Join(parts, "&")
}
