// Package proof is the test of what the relay promises: three NATS nodes and two relays
// as processes of their own, a server that is followed, and readers that hop between
// the relays, while all of these are killed, stopped, cut, restarted and filled up, by a
// seed. Each reader holds what it is given against what was emitted (package audit).
//
// A round is one world from its beginning to its end. The processes are the test's own
// program, which [Child] makes a node or a relay of. Where the upstream loses events it
// does so while nothing is under way, so that it is known which ones they are.
//
// [Run] owns the processes and their folder. One goroutine emits; one each does harm to
// the nodes, to the relays, to the upstream, and to the readers' connections.
package proof
