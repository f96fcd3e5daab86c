package testserver

import "time"

// A kind is one row of the table of faults.
type kind struct {
	name   string
	stage  stage
	inside bool                                                 // it needs an event to be inside of
	strike func(c *conn, a *armed, event []byte) (order, error) // for stageBody
}

// A stage is where in a connection's life a kind strikes.
type stage int

const (
	stageAccept  stage = iota // the TCP connection, before its request is known
	stageRequest              // instead of, or before, the response
	stageBody                 // the events
)

var kinds = map[string]*kind{}

func row(k *kind) *kind {
	kinds[k.name] = k
	return k
}

var (
	kindRefuse        = row(&kind{name: "refuse", stage: stageAccept})
	kindResetOnAccept = row(&kind{name: "reset_on_accept", stage: stageAccept})
	kindNoAnswer      = row(&kind{name: "no_answer", stage: stageRequest})
	kindSlowHeaders   = row(&kind{name: "slow_headers", stage: stageRequest})
	kindStatus        = row(&kind{name: "status", stage: stageRequest})
	kindAcceptClose   = row(&kind{name: "accept_then_close", stage: stageRequest})
	kindEnd           = row(&kind{name: "end", stage: stageBody, strike: strikeEnd})
	kindCut           = row(&kind{name: "cut", stage: stageBody, strike: strikeCut})
	kindCutInEvent    = row(&kind{name: "cut_inside_event", stage: stageBody, inside: true, strike: strikeInside})
	kindRST           = row(&kind{name: "rst", stage: stageBody, strike: strikeReset})
	kindStall         = row(&kind{name: "stall", stage: stageBody, strike: strikeStall})
)

// Refuse refuses connections. In memory it refuses as many dials as it may
// strike. On a socket it closes the port, because nobody is told of a connection
// that the kernel refuses: for 1 s, or as long as [Fault.For] says.
func Refuse() Fault { return Fault{spec{Kind: "refuse"}} }

// ResetOnAccept resets a TCP connection as soon as it is accepted.
func ResetOnAccept() Fault { return Fault{spec{Kind: "reset_on_accept"}} }

// NoAnswer takes the request and never answers.
func NoAnswer() Fault { return Fault{spec{Kind: "no_answer"}} }

// SlowHeaders sends the response's headers after d.
func SlowHeaders(d time.Duration) Fault {
	return Fault{spec{Kind: "slow_headers", For: Duration(d)}}
}

// Status answers with a status instead of the stream.
func Status(code int) Fault { return Fault{spec{Kind: "status", Status: code}} }

// AcceptThenClose answers 200 with the stream's headers and ends the body
// cleanly, before its first byte.
func AcceptThenClose() Fault { return Fault{spec{Kind: "accept_then_close"}} }

// End ends the body cleanly.
func End() Fault { return Fault{spec{Kind: "end"}} }

// Cut closes the connection without the end of the body.
func Cut() Fault { return Fault{spec{Kind: "cut"}} }

// CutAfter is [Cut] after exactly n bytes of body.
func CutAfter(n int64) Fault { return Cut().AfterBytes(n) }

// CutInsideEvent cuts the next event in the middle.
func CutInsideEvent() Fault { return Fault{spec{Kind: "cut_inside_event"}} }

// RST resets the TCP connection.
func RST() Fault { return Fault{spec{Kind: "rst"}} }

// Stall keeps the connection open and sends nothing any more, no heartbeats
// either; with [Fault.For] it goes on after that time.
func Stall() Fault { return Fault{spec{Kind: "stall"}} }
