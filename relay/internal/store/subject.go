package store

import (
	"fmt"
	"strings"
)

// A Kind says of which sort a stream of events is.
type Kind string

const (
	Session Kind = "session"
	Plain   Kind = "stream"
)

// A Key names a stream of events: one session, or one plain stream.
type Key struct {
	Kind Kind
	Name string
}

func (k Key) String() string { return string(k.Kind) + " " + k.Name }

// Token returns a name as one token of a subject, which is also a key of a
// key-value bucket: letters, digits, "-" and "_" stand for themselves, every other
// byte is "=" and two hex digits.
func Token(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if plainByte(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// Untoken returns the name that a token stands for; false if no name has that token.
func Untoken(token string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			if i+2 >= len(token) {
				return "", false
			}
			if n, err := fmt.Sscanf(token[i+1:i+3], "%02X", &c); n != 1 || err != nil {
				return "", false
			}
			i += 2
		}
		b.WriteByte(c)
	}
	name := b.String()
	return name, name != "" && Token(name) == token
}

func plainByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_'
}

// subject returns where a key's events are.
func (s *Store) subject(k Key) string {
	return s.prefix + "." + string(k.Kind) + "." + Token(k.Name)
}

// key returns whose events a subject has.
func (s *Store) key(subject string) (Key, bool) {
	rest, ok := strings.CutPrefix(subject, s.prefix+".")
	if !ok {
		return Key{}, false
	}
	kind, token, ok := strings.Cut(rest, ".")
	name, valid := Untoken(token)
	return Key{Kind(kind), name}, ok && valid
}
