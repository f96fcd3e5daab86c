// Package adapter is what the adapters in Go have in common: what the suite tells
// a client, and how it wants to see events.
package adapter

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"time"
)

// URL is the stream to follow.
func URL() string { return os.Args[len(os.Args)-1] }

// Token is what to send as "Authorization: Bearer".
func Token() string { return os.Getenv("SSE_CERTIFY_TOKEN") }

// Initial is the first delay that is asked for.
func Initial() time.Duration { return milliseconds("SSE_CERTIFY_INITIAL") }

// Idle is the idle limit that is asked for.
func Idle() time.Duration { return milliseconds("SSE_CERTIFY_IDLE") }

// Types are the event types besides message.
func Types() (types []string) {
	json.Unmarshal([]byte(os.Getenv("SSE_CERTIFY_TYPES")), &types)
	return types
}

func milliseconds(name string) time.Duration {
	n, _ := strconv.Atoi(os.Getenv(name))
	return time.Duration(n) * time.Millisecond
}

// Show prints an event. ID is the last event ID in force; nil: the client does not
// tell.
func Show(id *string, typ, data string) {
	b, _ := json.Marshal(struct {
		ID   *string `json:"id"`
		Type string  `json:"type"`
		Data string  `json:"data"`
	}{id, typ, data})
	os.Stdout.Write(append(b, '\n'))
}

// EndWithStdin ends the process when its standard input does. SIGTERM ends it
// anyway.
func EndWithStdin() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// End ends the process with what ended the stream.
func End(err error) {
	if err == nil {
		os.Exit(0)
	}
	os.Stderr.WriteString(err.Error() + "\n")
	os.Exit(1)
}
