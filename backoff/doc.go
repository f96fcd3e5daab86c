// Package backoff says how long to wait before the next attempt and when to give
// up. It is built on [github.com/cenkalti/backoff/v4]: a [Schedule] is such a
// BackOff, and any other one can take its place.
//
// # Delays
//
// A [Policy] describes them. The n-th delay of an outage is uniform in
// [d, d·(1+Jitter)] with d = min(Initial·Multiplier^(n-1), Max/(1+Jitter)), so
// that every delay lies in [Initial, Max]. Without jitter the zero Policy gives
// 1, 2, 4, 8, 16, 30, 30, … seconds exactly.
//
// # Giving up
//
// An outage begins with the first failure after health and ends with the next
// success. No attempt starts later than Policy.GiveUp after it began, and one
// starts exactly then: the last wait is clipped for it. Time is monotonic; a
// clock that is set changes nothing.
//
// # What v4 does otherwise
//
// cenkalti's ExponentialBackOff caps a delay before it spreads it, so that 30 s
// become up to 45 s. Its MaxElapsedTime counts from Reset: after an hour of
// health the first failure is already too late. And it stops when the next wait
// would overshoot, which is up to one delay early. A Schedule takes its
// arithmetic, with parameters that put the spread below the cap, and counts for
// itself.
package backoff
