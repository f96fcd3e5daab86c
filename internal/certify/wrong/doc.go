// Package wrong is a small right client of server-sent events, with a switch for
// each of many ways to be wrong: it proves that the scenarios catch them. It is
// for tests, and has as little as possible in common with the clients that are
// worth certifying.
package wrong
