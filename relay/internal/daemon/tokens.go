package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/OneStepAt4time/resilient-sse/server"
)

// tokens are those that readers may have, as a file names them: one on each line, and
// behind it, separated by blanks, patterns of the sessions that it may read, and
// stream:PATTERN for plain streams. A token without patterns may read everything. The
// stream of all sessions, and their list, is for tokens without patterns and for those
// with the pattern *. Empty lines, and those that begin with #, say nothing.
type tokens struct {
	path string

	mu      sync.Mutex
	grants  map[[sha256.Size]byte]grant
	tickets map[*ticket]struct{}
}

// A grant is what a token may read.
type grant struct {
	all      bool
	patterns []string
}

// A ticket is one request of a reader.
type ticket struct {
	cancel context.CancelFunc

	// Set once the reader was let in.
	token  [sha256.Size]byte
	stream server.StreamID
	in     bool
}

type ticketKey struct{}

// read reads the file anew. What can't be read changes nothing. Readers that have no
// right any more are cut.
func (t *tokens) read() error {
	b, err := os.ReadFile(t.path)
	if err != nil {
		return err
	}
	grants, err := parseTokens(string(b))
	if err != nil {
		return fmt.Errorf("%s, %w", t.path, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grants = grants
	for tk := range t.tickets {
		if g, ok := grants[tk.token]; tk.in && !(ok && g.allows(tk.stream)) {
			tk.cancel()
		}
	}
	return nil
}

// parseTokens reads the file's text. The error names no token.
func parseTokens(text string) (map[[sha256.Size]byte]grant, error) {
	grants := make(map[[sha256.Size]byte]grant)
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		g := grant{all: len(words) == 1, patterns: words[1:]}
		for _, p := range g.patterns {
			if _, err := path.Match(strings.TrimPrefix(p, plainPrefix), ""); err != nil {
				return nil, fmt.Errorf("line %d: %q is no pattern", n, p)
			}
		}
		key := sha256.Sum256([]byte(words[0]))
		if _, ok := grants[key]; ok {
			return nil, fmt.Errorf("line %d: its token is on an earlier line too", n)
		}
		grants[key] = g
	}
	if len(grants) == 0 {
		return nil, errors.New("no token is in it: nobody could read")
	}
	return grants, nil
}

// plainPrefix begins patterns of plain streams.
const plainPrefix = "stream:"

func (g *grant) allows(s server.StreamID) bool {
	if g.all {
		return true
	}
	for _, p := range g.patterns {
		plain, isPlain := strings.CutPrefix(p, plainPrefix)
		switch s.Kind {
		case server.OfAll:
			if p == "*" {
				return true
			}
		case server.OfSession:
			if matches(p, s.Name) && !isPlain {
				return true
			}
		case server.Plain:
			if matches(plain, s.Name) && isPlain {
				return true
			}
		}
	}
	return false
}

// matches is [path.Match] in which a slash is a letter like others.
func matches(pattern, name string) bool {
	letter := strings.NewReplacer("/", "\x00")
	ok, _ := path.Match(letter.Replace(pattern), letter.Replace(name))
	return ok
}

// enter takes note of a request, so that it can be cut when its token goes.
func (t *tokens) enter(r *http.Request) (*http.Request, func()) {
	ctx, cancel := context.WithCancel(r.Context())
	tk := &ticket{cancel: cancel}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tickets == nil {
		t.tickets = make(map[*ticket]struct{})
	}
	t.tickets[tk] = struct{}{}
	return r.WithContext(context.WithValue(ctx, ticketKey{}, tk)), func() {
		cancel()
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.tickets, tk)
	}
}

var errNotAllowed = errors.New("the token may not read this stream")

// authorize lets a request for a stream pass, or says why not.
func (t *tokens) authorize(r *http.Request, s server.StreamID) error {
	key := sha256.Sum256([]byte(tokenOf(r)))
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.grants[key]
	switch {
	case !ok:
		return server.ErrUnauthorized
	case !g.allows(s):
		return errNotAllowed
	}
	if tk, ok := r.Context().Value(ticketKey{}).(*ticket); ok {
		tk.token, tk.stream, tk.in = key, s, true
	}
	return nil
}

// tokenOf is the token of a request: of its Authorization header or, for browsers,
// which can't send one, of its URL.
func tokenOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.URL.Query().Get("token")
}
