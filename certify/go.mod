module github.com/OneStepAt4time/resilient-sse/certify

go 1.26.0

require (
	github.com/OneStepAt4time/resilient-sse v0.0.0
	github.com/cenkalti/backoff/v4 v4.3.0
	github.com/donovanhide/eventsource v0.0.0-20210830082556-c59027999da0
	github.com/launchdarkly/eventsource v1.11.0
	github.com/r3labs/sse/v2 v2.10.0
	github.com/tmaxmax/go-sse v0.12.0
	gopkg.in/cenkalti/backoff.v1 v1.1.0
)

require (
	github.com/fatih/color v1.19.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/OneStepAt4time/resilient-sse => ../
