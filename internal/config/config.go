package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// A Setting is a flag and its values, of which most flags take one.
type Setting struct {
	Flag   string
	Values []string
}

// Path is where the configuration is unless something else is said; empty if there
// is no home.
func Path(env func(string) string) string {
	if dir := env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sse-tail", "config.toml")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".config", "sse-tail", "config.toml")
	}
	return ""
}

// Profiles are what a file holds, in the order of names.
type Profiles struct {
	Common []Setting
	ByName map[string][]Setting
}

// Read reads a file. One that is not there is empty unless it is needed.
func Read(path string, needed bool) (Profiles, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !needed {
		return Profiles{}, nil
	}
	if err != nil {
		return Profiles{}, err
	}
	var top map[string]any
	if _, err := toml.Decode(string(b), &top); err != nil {
		if e, ok := errors.AsType[toml.ParseError](err); ok {
			return Profiles{}, fmt.Errorf("%s, line %d: %s", path, e.Position.Line, e.Message)
		}
		return Profiles{}, fmt.Errorf("%s: %w", path, err)
	}
	p := Profiles{ByName: map[string][]Setting{}}
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if table, ok := top[name].(map[string]any); ok {
			for _, flag := range slices.Sorted(maps.Keys(table)) {
				values, err := texts(table[flag])
				if err != nil {
					return Profiles{}, fmt.Errorf("%s: [%s] %s: %w", path, name, flag, err)
				}
				p.ByName[name] = append(p.ByName[name], Setting{flag, values})
			}
			continue
		}
		values, err := texts(top[name])
		if err != nil {
			return Profiles{}, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		p.Common = append(p.Common, Setting{name, values})
	}
	return p, nil
}

// Names are those of the profiles, for messages.
func (p Profiles) Names() string { return strings.Join(slices.Sorted(maps.Keys(p.ByName)), ", ") }

// texts is a value as flags take it.
func texts(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case bool, int64, float64:
		return []string{fmt.Sprint(v)}, nil
	case []any:
		var all []string
		for _, v := range v {
			one, err := texts(v)
			if _, nested := v.([]any); nested || err != nil {
				return nil, errors.New("a list is of texts, numbers, true and false")
			}
			all = append(all, one...)
		}
		return all, nil
	}
	return nil, errors.New("a value is a text, a number, true or false, or a list of them")
}
