package backoff

// A State is that of a circuit: of one [Schedule], or of a breaker that
// several clients share.
type State int

const (
	Closed   State = iota // healthy, or nothing tried yet
	Open                  // failed: attempts wait
	HalfOpen              // an attempt is under way that will tell
	GivenUp               // the outage has lasted too long
)

func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	case GivenUp:
		return "given up"
	}
	return "unknown"
}
