// Package scenario is the vocabulary of a certification: what a server does to a
// client, what a right client makes of it, and what was observed.
//
// A [Scenario] is data. Its connections are answered in the order of the requests,
// whatever their paths; each says what is sent, what the request must carry and
// which events a right client shows of it. A [Trial] is one run of a client
// through it, and [Scenario.Judge] compares the two. The package does no input or
// output and has no clock.
package scenario
