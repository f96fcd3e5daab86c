// Package interop has tests of this module against foreign peers on loopback: its
// client on the server of github.com/r3labs/sse/v2, and r3labs' client on the test
// server.
package interop
