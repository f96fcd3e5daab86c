package ingest

import (
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// A place is where an event of a session stands to the last one that is stored for
// the session.
type place int

const (
	behind place = iota // it comes next
	stored              // it is stored, or older than what is
	newRun              // it comes next, and is the first of a new run
)

// locate tells where mine stands to last. Mine.Run is the run that the connection is
// taken to be in (Number 0: not known yet). Noticed says that the client has noticed a
// new run since the event before.
//
// Within a run ids ascend, so ids decide. Whether the two are of one run is told by the
// upstream's name for it, exactly; where the upstream has none, by what this relay and
// the others have noticed, and by the times that one upstream puts on its events.
// Where they leave it open, an event is stored: rather twice than never.
func locate(mine, last store.Origin, noticed bool) place {
	byID := func() place {
		if number(mine.ID) <= number(last.ID) {
			return stored
		}
		return behind
	}
	timed := !mine.Time.IsZero() && !last.Time.IsZero()
	if mine.Run.Name != "" && last.Run.Name != "" {
		switch {
		case mine.Run.Name == last.Run.Name:
			return byID()
		case timed && mine.Time.Before(last.Time): // another relay is ahead, in a later run
			return stored
		}
		return newRun
	}
	if same(mine, last) {
		return stored
	}
	if !noticed && (mine.Run.Number == last.Run.Number || mine.Run.Number == 0) {
		if byID() == stored && timed && mine.Time.After(last.Time) {
			return newRun // a restart that the client could not notice
		}
		return byID()
	}
	if !timed {
		if noticed && mine.Run.Number >= last.Run.Number {
			return newRun
		}
		return byID()
	}
	switch {
	case mine.Time.Before(last.Time):
		return stored
	case last.Run.Number > mine.Run.Number && byID() == behind: // in the run that another has noticed
		return behind
	case last.Run.Number > mine.Run.Number && mine.Time.Equal(last.Time): // many come in a millisecond
		return stored
	}
	return newRun
}

// same tells whether two origins are those of one event. What the global stream sends
// of an event has other bytes than what the session's does.
func same(a, b store.Origin) bool {
	return a.ID == b.ID && a.Time.Equal(b.Time) && (a.Hash == b.Hash || a.Global != b.Global)
}

// number reads an id of a session; -1 if it is none.
func number(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
