// Package control is the HTTP API of a test server: JSON in, JSON out, one route a
// noun, for tests in any language. docs/control.md describes it.
//
// It owns the routes, the forms of JSON, and who may call; it knows no server but the
// [Server] that it drives, and calls packages testserver/fault and internal/strict. It
// has no lock and keeps nothing.
//
// Answers have all their members always, null where there is nothing. In requests null
// is absent, and what is unknown or makes no sense is a 400 that names the member.
package control
