// Sse-relay keeps session streams beyond one process: it follows the streams of an
// upstream, stores their events in NATS JetStream, and serves them.
//
//	sse-relay --upstream URL [--all | SESSION-ID...] [NAME=URL...]
//	sse-relay demo
//
// Readers get what the upstream sent, in order and without loss, also when the
// upstream, a relay or a NATS server is restarted. See sse-relay --help.
package main

import (
	"os"

	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

func main() {
	os.Exit(run(system.New(os.Args[1:])))
}
