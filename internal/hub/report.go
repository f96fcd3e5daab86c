package hub

import (
	"net/http"
	"time"
)

// A Report is one fact about a request, for whoever runs the server.
type Report struct {
	What    What
	Request *http.Request
	Stream  StreamID
	Number  int64         // of the request, from 1
	Status  int           // of the response; 0 if there was none
	Why     string        // refused, ended
	Err     error         // refused: what Authorize or the History said; ended: what broke it, if that is known
	After   time.Duration // ended: since the request arrived
	Events  int           // ended: delivered
	Bytes   int64         // ended: of body
}

// What says what a report tells.
type What int

const (
	WasOpened What = iota
	WasRefused
	HasEnded
)
