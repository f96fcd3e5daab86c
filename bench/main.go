// Command bench measures resilient-sse beside the other Go libraries and prints
// what came out beside what is asked. See the README.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

const (
	manyStreams = 10_000          // on HTTP/1.1: a file each, in either process
	mostStreams = 100_000         // on HTTP/2
	downTime    = 3 * time.Second // of the server that they follow
)

// A section measures some rows of the table.
type section struct {
	name string
	run  func() ([]row, error)
}

var sections = []section{
	{"decode", decoding},
	{"memory", inMemoryClients},
	{"loopback", loopbackClients},
	{"command", tail},
	{"idle", idle},
	{"burst", burst},
	{"paced", paced},
	{"stalled", stalled},
	{"restart", func() ([]row, error) { return restart(manyStreams, http1, downTime) }},
	{"crowd", func() ([]row, error) { return restart(mostStreams, http2, downTime) }},
	{"cursor", func() ([]row, error) { return cursors(cursorStreams, cursorTime) }},
}

// roles are what a child of ours can be.
var roles = map[string]func() role{
	"holder":   holderRole,
	"server":   serverRole,
	"sessions": sessionsRole,
	"source":   sourceRole,
}

func main() {
	if beChild(roles) {
		return
	}
	only := flag.String("only", "", "measure the sections whose names match this regular expression")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(wanted); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(wanted *regexp.Regexp) error {
	var rows []row
	for _, s := range sections {
		if !wanted.MatchString(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", s.name)
		more, err := s.run()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, more...)
	}
	return writeTable(os.Stdout, rows)
}
