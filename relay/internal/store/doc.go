// Package store keeps events in NATS JetStream: what is written and read there, and
// in which words.
//
// A [Store] has two streams of events, one for sessions and one for plain streams, and a
// third for positions. A session is one subject, PREFIX.session.ID, and a plain
// stream is one, PREFIX.stream.NAME. An event's id for readers is its sequence in
// its JetStream stream.
//
// Every event is published with the sequence that its subject's last event has to
// have (Nats-Expected-Last-Subject-Sequence): of several publishers that have the
// same next event one stores it, and the others are told [ErrConflict]. The server
// keeps that header, so an event names its predecessor, and a reader can tell
// whether retention took something away between its position and the first event
// that is left.
//
// Reads for a decision go to the stream's leader: direct reads from replicas, which
// may be behind, are switched off.
//
// It owns no goroutine but those of a [Store.Follow] under way, and holds no lock.
package store
