// A module of its own: the other libraries stay out of ours.
module github.com/OneStepAt4time/resilient-sse/bench

go 1.26.0

require (
	github.com/OneStepAt4time/resilient-sse v0.0.0
	github.com/launchdarkly/eventsource v1.11.0
	github.com/r3labs/sse/v2 v2.10.0
	github.com/tmaxmax/go-sse v0.12.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	gopkg.in/cenkalti/backoff.v1 v1.1.0 // indirect
)

replace github.com/OneStepAt4time/resilient-sse => ../
