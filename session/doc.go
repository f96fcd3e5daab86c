// Package session is the vocabulary of session streams: what an Aegis server
// sends about the coding sessions that it orchestrates, and where.
//
// There are two kinds of stream: one for each session ([EventsPath]) and the
// global one of all sessions ([GlobalPath]). A frame is an id and one data line
// of JSON, the [Envelope]; the kind of the event is in the JSON, and the SSE
// event field is not used:
//
//	id: 17
//	data: {"event":"message","sessionId":"abc","timestamp":"2026-01-02T15:04:05.000Z","data":{"role":"assistant","text":"hi"},"emittedAt":1767366245000,"id":17}
//
// Ids are integers from one counter for the whole server, so the ids of one
// session have holes.
//
// Two kinds of frame carry no id and say nothing about a session: connected, the
// first of each connection, and heartbeat, every [HeartbeatInterval]. They prove
// that the path works, not that anything goes on behind it; see [IsControl].
//
// [Envelope.Decode] gives the data of each kind in a type of its own. On the global
// stream several kinds share one ([Kind.Global], [Envelope.SessionKind]).
//
// The package knows both generations of Aegis servers, 1.3.3 and 0.6.6, of which
// 0.6.6 is the newer one. testdata has recordings of what they send.
//
// A server may want a token: as a bearer, or as the token parameter of the routes
// of streams. Newer ones want another one for each connection, which they give for
// an API key; see [TokenSource].
package session
