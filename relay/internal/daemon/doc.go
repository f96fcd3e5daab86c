// Package daemon runs a relay as a process: it opens the store (a JetStream of its own
// in a folder, or that of NATS servers), serves readers and those who watch it, takes
// tokens and certificates anew on SIGHUP, and ends so that readers lose nothing.
//
// It owns the listeners, the NATS connection and the embedded server. [New] reads files
// and dials nothing; [Daemon.Run] does the rest.
package daemon
