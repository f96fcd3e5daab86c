// Package sessions shows a server's list of sessions.
package sessions
