package access

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A login is a user and a password.
type login struct{ user, password string }

// basic is the user for an Authorization header (RFC 7617).
func (l login) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password))
}

// netrcPath is where users keep their logins: $NETRC, or ~/.netrc.
func netrcPath(env func(string) string) string {
	if path := env("NETRC"); path != "" {
		return path
	}
	return filepath.Join(env("HOME"), ".netrc")
}

// readNetrc returns the logins of a file by host; those of the default entry have
// no name. A file that is not there has none.
func readNetrc(path string) (map[string]login, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	logins := map[string]login{}
	host, open := "", false
	macro := false // until an empty line
	var words []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		switch {
		case macro:
			macro = len(fields) > 0
			continue
		case len(fields) > 0 && fields[0] == "macdef":
			macro = true
			continue
		}
		for _, word := range fields {
			if strings.HasPrefix(word, "#") && (len(words) == 0 || words[len(words)-1] != "password") {
				break // a comment; a password may begin so
			}
			words = append(words, word)
		}
	}
	for i := 0; i < len(words); i++ {
		name, value := words[i], ""
		if slices.Contains([]string{"machine", "login", "password", "account"}, name) && i+1 < len(words) {
			i++
			value = words[i]
		}
		switch name {
		case "default":
			host, open = "", true
		case "machine":
			host = strings.ToLower(value)
			_, again := logins[host]
			open = !again // the first one counts
		}
		l := logins[host]
		switch {
		case !open:
			continue
		case name == "login":
			l.user = value
		case name == "password":
			l.password = value
		}
		logins[host] = l
	}
	return logins, nil
}
