// Sse-tail follows streams of server-sent events, at a terminal and in scripts.
//
//	sse-tail [flags] URL|SESSION-ID...
//	sse-tail --all
//	sse-tail demo
//
// It reconnects by itself, resumes where it left off, and gives up when an outage
// has lasted too long. Events go to standard output, everything else to standard
// error. See sse-tail --help.
package main

import (
	"os"
	"runtime/debug"

	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// What the command says follows a few rules:
//
//   - it goes to standard error, each line with the prefix "sse-tail: ";
//   - it is lowercase and has no final period;
//   - an error says what happened, and a line "hint: …" below it what to do, where
//     that is known;
//   - bad flags are all named at once;
//   - what a server sent is never printed without having passed termsafe;
//   - what passes is a live line on a terminal and nothing elsewhere; what a person
//     wants to look up later stays.

func main() {
	if os.Getenv("GOGC") == "" {
		// Events live for a moment and the heap is small: collecting at each doubling
		// of 4 MiB would cost a quarter of the time of a fast stream.
		debug.SetGCPercent(400)
	}
	os.Exit(run(system.New(os.Args[1:])))
}
