package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/OneStepAt4time/resilient-sse/backoff"
)

func ExampleSchedule() {
	s, err := backoff.New(backoff.Policy{Jitter: backoff.NoJitter})
	if err != nil {
		fmt.Println(err)
		return
	}
	var delays []time.Duration
	for range 7 {
		delays = append(delays, s.NextBackOff())
	}
	fmt.Println(delays)
	s.Reset() // success
	fmt.Println(s.NextBackOff(), "and at least", s.Fail(10*time.Second))
	// Output:
	// [1s 2s 4s 8s 16s 30s 30s]
	// 1s and at least 10s
}

func ExampleBreaker() {
	b, err := backoff.NewBreaker(backoff.Policy{Initial: time.Millisecond, Jitter: backoff.NoJitter}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	dial := func(up bool) {
		lease, err := b.Acquire(context.Background(), nil) // waits in an outage
		if err != nil {
			fmt.Println(err)
			return
		}
		if up {
			lease.Succeed()
		} else {
			lease.Fail(errors.New("refused"), 0)
		}
		fmt.Println(b.State())
	}
	dial(false)
	dial(true)
	// Output:
	// open
	// closed
}
