// Bench measures the relay on this machine: what it takes in, what it gives out, what
// it adds to the delay, and what a session costs. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// A section measures one thing, and prints rows.
type section struct {
	name string
	run  func(context.Context, *table) error
}

var sections = []section{
	{"ingest", ingest}, {"readers", deliver}, {"delay", delay}, {"sessions", growth},
}

// rounds is how often each contender has its turn; the best counts, for whatever else
// the machine does only takes away.
const rounds = 3

var figures = flag.String("figures", "figures", "folder for the plots")

func main() {
	only := flag.String("only", "", "sections to run, as a regular expression: ingest, readers, delay, sessions")
	profile := flag.String("cpuprofile", "", "file for a profile of the processor's time")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	re, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d processors\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, s := range sections {
		if !re.MatchString(s.name) {
			continue
		}
		t := &table{section: s.name}
		begin := time.Now()
		if err := s.run(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Printf("  %-10s (%v)\n", "", time.Since(begin).Round(time.Second))
	}
	return nil
}

// A table prints rows as they come.
type table struct{ section string }

func (t *table) row(what string, format string, args ...any) {
	fmt.Printf("  %-10s %-52s %s\n", t.section, what, fmt.Sprintf(format, args...))
}

// grouped writes a rate with commas.
func grouped(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// diskUse returns what the files below a folder take.
func diskUse(dir string) (n int64, err error) {
	err = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil // a file may be gone meanwhile
	})
	return n, err
}
