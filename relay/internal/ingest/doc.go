// Package ingest brings the events of an upstream into the store: it follows the
// upstream's streams with the client, and writes what they bring.
//
// The global stream is followed always: it tells which sessions there are. A session
// gets a stream of its own while there is room for one, from the first event that the
// upstream still has, or from the last that is stored. A session without one is
// stored from the global stream, where that has ids; where it has none, the session
// can't be followed, and that is said.
//
// Any number of relays do this for one upstream, without knowing of each other. A
// [writer] publishes one event of its session at a time, behind the last one that is
// stored; where another relay was quicker, it reads what that has stored and goes on
// from there. A plain stream is followed by one relay at a time, which holds a claim.
//
// A writer has one lock, held over a publish. The lock of [Ingest] guards the table
// of sessions and is never held while the store or the upstream is asked.
package ingest
