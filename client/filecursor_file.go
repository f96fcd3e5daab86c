package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// An entry is what a cursor file holds of one target.
type entry struct {
	Position
	Ended time.Time `json:"ended,omitzero"` // when its stream was over

	line []byte // the entry in the file
}

// keepEnded is how long the position of a stream that is over is kept: whoever is
// restarted just then must not begin anew.
const keepEnded = time.Hour

// positions are what a cursor file holds, by target. A value is not changed once
// it is what is on the disk.
type positions struct {
	entries map[string]entry
	order   []string // the targets, sorted
}

// fileFormat is how a cursor file looks.
type fileFormat struct {
	Version   int              `json:"version"`
	Positions map[string]entry `json:"positions"` // by target
}

const fileVersion = 1

func readCursorFile(path string) (p positions, err error) {
	p.entries = map[string]entry{}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(b)) == 0 { // one that was made for us is empty; ours never are
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("client: read cursor file: %w", err)
	}
	var f fileFormat
	if err := json.Unmarshal(b, &f); err != nil {
		return p, fmt.Errorf("client: cursor file %s is damaged (%w): repair it, or move it away to start anew", path, err)
	}
	if f.Version != fileVersion {
		return p, fmt.Errorf("client: cursor file %s has version %d, want %d: move it away to start anew", path, f.Version, fileVersion)
	}
	for target, e := range f.Positions {
		p.put(target, e)
	}
	return p, nil
}

// put sets an entry.
func (p *positions) put(target string, e entry) {
	name, _ := json.Marshal(target) // a string and a struct of strings and times: no error
	value, _ := json.Marshal(e)
	e.line = slices.Concat([]byte("    "), name, []byte(": "), value)
	if _, ok := p.entries[target]; !ok {
		i, _ := slices.BinarySearch(p.order, target)
		p.order = slices.Insert(p.order, i, target)
	}
	p.entries[target] = e
}

// remove drops an entry, if there is one.
func (p *positions) remove(target string) {
	delete(p.entries, target)
	if i, ok := slices.BinarySearch(p.order, target); ok {
		p.order = slices.Delete(p.order, i, i+1)
	}
}

// with returns what there is with the changes made; nil is to forget a target. What
// has been over for long is left out.
func (p positions) with(changes map[string]*entry) positions {
	next := positions{entries: make(map[string]entry, len(p.entries)+len(changes)), order: slices.Clone(p.order)}
	maps.Copy(next.entries, p.entries)
	for target, e := range changes {
		if e == nil {
			next.remove(target)
		} else {
			next.put(target, *e)
		}
	}
	for target, e := range next.entries {
		if !e.Ended.IsZero() && time.Since(e.Ended) > keepEnded {
			next.remove(target)
		}
	}
	return next
}

// encode returns the file.
func (p positions) encode() []byte {
	size := 64
	for _, e := range p.entries {
		size += len(e.line) + len(",\n")
	}
	b := make([]byte, 0, size)
	b = append(b, "{\n  \"version\": "...)
	b = strconv.AppendInt(b, fileVersion, 10)
	b = append(b, ",\n  \"positions\": {"...)
	for i, target := range p.order {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '\n')
		b = append(b, p.entries[target].line...)
	}
	return append(b, "\n  }\n}\n"...)
}

// oldNames are those among the entries' names that their targets had in earlier
// versions, by what they are now. It is looked for once: a file may have thousands.
func (p positions) oldNames() map[string][]string {
	old := map[string][]string{}
	for _, name := range p.order {
		if target := renamed(name); target != name {
			old[target] = append(old[target], name)
		}
	}
	return old
}

// last returns the entry that was made last, of several that a credential which was
// part of a target's name has left: the one with the largest id.
func (p positions) last(names []string) (e entry, ok bool) {
	for _, name := range names {
		other, found := p.entries[name]
		if found && (!ok || later(other.LastEventID, e.LastEventID)) {
			e, ok = other, true
		}
	}
	return e, ok
}

// later tells whether an id comes after another, as far as that can be seen.
func later(a, b string) bool {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	if errA == nil && errB == nil {
		return x > y
	}
	return a > b
}

// replaceFile puts a file in the place of another at once, and on the disk
// before it returns: first the file, then its name in the folder. The new file has
// one name until then, so that kills leave no more than one behind.
func replaceFile(path string, b []byte) (err error) {
	name := path + ".tmp"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(name)
		}
	}()
	if _, err := tmp.Write(b); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
