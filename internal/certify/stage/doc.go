// Package stage is a server that plays a scenario to one client and keeps a
// journal of what the client asked for. It writes HTTP itself, because what it has
// to send is often wrong in ways that no HTTP library would let pass.
package stage
