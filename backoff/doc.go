// Package backoff says how long to wait before the next attempt and when to give
// up. It is built on [github.com/cenkalti/backoff/v4].
//
// # The names
//
//   - A [Policy] is data: shortest and longest delay, growth, jitter, give-up. It
//     has no state and may be copied and shared.
//   - A [BackOff] is cenkalti's interface for whatever gives delays one by one. It
//     has the state of one client.
//   - A [Schedule] is the BackOff of a Policy, and knows more than delays: when the
//     outage began, and when it has lasted too long. One client has one.
//   - A [Breaker] is what many clients of one origin share, so that in an outage one
//     of them asks and the others wait. It paces; giving up is each client's own
//     matter, with its own Schedule.
//
// # Why cenkalti's types
//
// BackOff, Stop and Permanent are v4's own and not copies, so that what a program
// already has fits on both sides: its BackOff gives the delays here ([Wrap],
// client.Options.Delays), a Schedule goes wherever v4 wants one, and an error that it
// marks as permanent is permanent here.
//
// # Delays
//
// The n-th delay of an outage is uniform in [d, d·(1+Jitter)] with
// d = min(Initial·Multiplier^(n-1), Max/(1+Jitter)), so that every delay lies in
// [Initial, Max]. Without jitter the zero Policy gives 1, 2, 4, 8, 16, 30, 30, …
// seconds exactly. Jitter does not vanish where there is no room for it: with an
// Initial near Max, from the policy or from a stream's retry field, it lies above the
// delay, past Max; and with a server's Retry-After above that.
//
// # Giving up
//
// An outage begins with the first failure after health and ends with the next
// success. No attempt starts later than Policy.GiveUp after it began, and one
// starts exactly then: the last wait is clipped for it. Time is monotonic; a
// clock that is set changes nothing.
//
// # Off
//
// In fields of options zero is the default, [Off] (-1) is off, and other negative
// values are errors. Arguments of functions mean what they say: zero is zero.
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
