package certify

import (
	"context"
	"sync"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

// repeats is how often a failure is tried again before it counts.
const repeats = 2

// A Client is what is to be certified.
type Client struct {
	Command []string // {} is the stream's URL; it is appended where there is none
	Jobs    int      // how many scenarios run at once; 1 at least

	// Told, if set, is told of each result, by one goroutine at a time.
	Told func(Result)

	bounds Bounds
	known  bool // tests: what bounds are is known
	once   bool // tests: a failure counts at once
}

// A Result is how a scenario ended for the client.
type Result struct {
	Scenario *scenario.Scenario
	scenario.Verdict
	Failed int // trials that failed before, where another one passed
	Trial  *scenario.Trial
	Took   time.Duration // of all trials
}

// Bounds returns what the calibration measured.
func (c *Client) Bounds() Bounds { return c.bounds }

// Certify runs the client through the scenarios: several at once, those whose
// delays are judged alone and last. The results are in the order of the scenarios.
// An error is one of starting the client or of the context.
func (c *Client) Certify(ctx context.Context, scenarios []*scenario.Scenario) ([]Result, error) {
	if len(c.Command) == 0 {
		return nil, errNoCommand
	}
	if !c.known {
		if err := c.calibrate(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]Result, len(scenarios))
	var mu sync.Mutex
	one := func(i int) {
		r, err := c.judge(ctx, scenarios[i])
		if err != nil {
			cancel(err)
			return
		}
		results[i] = r
		mu.Lock()
		defer mu.Unlock()
		if c.Told != nil {
			c.Told(r)
		}
	}
	var together, alone []int
	for i, sc := range scenarios {
		if sc.Alone {
			alone = append(alone, i)
		} else {
			together = append(together, i)
		}
	}
	parallel(ctx, max(1, c.Jobs), together, one)
	parallel(ctx, 1, alone, one)
	return results, context.Cause(ctx)
}

// parallel calls do for each index, n at once.
func parallel(ctx context.Context, n int, indices []int, do func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for _, i := range indices {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
}

// judge tries a scenario, again where it fails.
func (c *Client) judge(ctx context.Context, sc *scenario.Scenario) (Result, error) {
	start := time.Now()
	r := Result{Scenario: sc}
	for n := range 1 + repeats {
		t, err := c.play(ctx, sc)
		if err != nil {
			return r, err
		}
		r.Trial, r.Verdict, r.Failed = t, sc.Judge(t), n
		if r.Outcome != scenario.Fail || c.once {
			break
		}
	}
	r.Took = time.Since(start)
	return r, nil
}
