// Package outlet gives the events in the store to readers: it is package server, whose
// logs are fed by one consumer for all sessions and one for all plain streams, and whose
// History is the store.
//
// The id of an event is its sequence in its JetStream stream, so it is the same at every
// relay. The run of the ids is named after the birth of that stream: it changes only
// where the stream was deleted and made anew.
//
// A gap is told exactly. An event names its predecessor under its key; where the last one
// that a reader has, or that was fed, is before that, something is missing. Where nothing
// is left under a key, its position tells. The global stream is the sessions' events in
// the order of their sequences, so there a missing sequence is the gap.
//
// The lock of [Outlet] guards what is known of the last event of each key. It is not held
// while the server or the store is called.
package outlet
