// Package demo shows the relay at work in one process: an upstream, three NATS servers,
// two relays and a hundred readers that hop between them, while all of these fail. It
// counts at both ends (package audit), and says what was lost or repeated.
//
// A demo owns all that it starts. One goroutine emits, one shows the live line, each
// reader has one, and the demo's own does the harm.
package demo
