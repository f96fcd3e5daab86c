// Package certify runs a client of server-sent events, in any language, through
// scenarios, and says of each whether it does what a right client does.
//
// What is sent and what is wanted is data, in package catalogue; package stage
// serves it and keeps a journal; package child runs the client; package report
// shows the outcome. Events are judged by what the client prints, delays and
// hanging by the journal alone.
package certify
