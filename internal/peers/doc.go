// Package peers has tests against foreign peers whose modules stay out of the main
// one's go.mod; hence the module of its own. It holds:
//
//   - our client on the server of the official Go SDK of MCP (streamable HTTP);
//   - the tests that r3labs wrote for its client, run on client/r3compat.
package peers
