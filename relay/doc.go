// Package relay carries session streams beyond one process: it follows the streams
// of an upstream with package client, keeps their events in NATS JetStream, and serves
// them with package server. It also lets a fleet of workers share streams.
//
// # A relay
//
// [New] makes a relay and [Relay.Run] runs it. Any number of them can follow the same
// upstream over the same JetStream, without knowing of each other: each event is stored
// once and in order, and any of them resumes any client, which may hop between them at
// each reconnect. The id that a client sees is the event's sequence in its JetStream
// stream: one counter for all sessions that survives restarts of everything. The id
// inside a frame's JSON stays the upstream's.
//
// A client that asks for what retention has taken away, or what the upstream itself had
// lost, is told of a gap in the way that package server tells it, exactly then.
//
// # A fleet
//
// [KVCursor] is a position store for sources of package client in many processes: each
// stream is followed by one worker at a time. [Work] does that for a set of streams.
//
// # Dependencies
//
// The package is a module of its own, for it brings NATS and Prometheus.
package relay
