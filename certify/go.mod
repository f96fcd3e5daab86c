module github.com/OneStepAt4time/resilient-sse/certify

go 1.26.0

require github.com/OneStepAt4time/resilient-sse v0.0.0

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/OneStepAt4time/resilient-sse => ../
