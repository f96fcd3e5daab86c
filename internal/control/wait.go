package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/strict"
)

// A waitRequest asks for one fact.
type waitRequest struct {
	Connections *int      `json:"connections"` // so many, exactly
	Requests    *int      `json:"requests"`    // so many since the start or the last reset
	Delivered   *string   `json:"delivered"`   // the id of an event of the stream
	Fired       *int      `json:"fired"`       // strikes of the fault
	Fault       *int      `json:"fault"`       // its number
	Stream      *string   `json:"stream"`
	Request     *int64    `json:"request"` // the number of the one whose connection is meant
	Timeout     *duration `json:"timeout"` // 10 s
}

// facts are what can be waited for, and which members each has beside timeout: those
// it must have, and those it can have.
var facts = map[string]struct{ needs, takes []string }{
	"connections": {nil, []string{"stream"}},
	"requests":    {nil, []string{"stream"}},
	"delivered":   {[]string{"stream"}, []string{"request"}},
	"fired":       {[]string{"fault"}, nil},
}

// How long a wait takes if nothing else is said, and at most.
const (
	defaultWait = 10 * time.Second
	longestWait = 10 * time.Minute
)

type waited struct {
	Waited duration `json:"waited"`
}

func wait(a *api, r *http.Request, req waitRequest) (any, error) {
	if err := a.checkFact(&req); err != nil {
		return nil, err
	}
	timeout := defaultWait
	if req.Timeout != nil {
		timeout = time.Duration(*req.Timeout)
	}
	f := Fact{Connections: req.Connections, Requests: req.Requests, Delivered: req.Delivered, Request: req.Request, Fired: req.Fired}
	if req.Fault != nil {
		f.Fault = *req.Fault
	}
	if req.Stream != nil {
		f.Stream = *req.Stream
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	err := a.server.Wait(ctx, f)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &statusError{http.StatusGatewayTimeout, "timeout: " + withoutPrefix(err)}
	}
	return waited{duration(time.Since(start))}, err
}

// checkFact refuses anything but one fact with its own members, about what there is.
func (a *api) checkFact(q *waitRequest) error {
	fact, err := q.fact()
	if err != nil {
		return err
	}
	if err := q.checkMembers(fact); err != nil {
		return err
	}
	for _, n := range []struct {
		name  string
		value *int
	}{{"connections", q.Connections}, {"requests", q.Requests}, {"fired", q.Fired}} {
		if n.value != nil && *n.value < 0 {
			return badField(n.name, "%d is negative", *n.value)
		}
	}
	if t := q.Timeout; t != nil && (*t < 0 || time.Duration(*t) > longestWait) {
		return badField("timeout", "is not in 0 to %v", longestWait)
	}
	if q.Stream != nil && !a.server.Knows(*q.Stream) {
		return badField("stream", "there is no stream %q", *q.Stream)
	}
	if q.Delivered != nil && a.server.Numbers(*q.Stream) {
		if n, err := strconv.ParseInt(*q.Delivered, 10, 64); err != nil || n <= 0 {
			return badField("delivered", "%q is no id of %q, whose ids are numbers from 1", *q.Delivered, *q.Stream)
		}
	}
	if q.Fault != nil {
		if _, ok := a.server.Fault(*q.Fault); !ok {
			return badField("fault", "there is no fault %d", *q.Fault)
		}
	}
	if q.Request != nil {
		if _, ok := a.server.Delivered(*q.Request); !ok {
			return badField("request", "there is no request %d in the journal", *q.Request)
		}
	}
	return nil
}

var waitMembers = strict.Names(reflect.TypeFor[waitRequest]())

// has tells whether a member is there.
func (q *waitRequest) has(name string) bool {
	return !reflect.ValueOf(q).Elem().Field(slices.Index(waitMembers, name)).IsNil()
}

// fact returns the one that is asked for.
func (q *waitRequest) fact() (string, error) {
	var asked []string
	for _, name := range waitMembers {
		if _, ok := facts[name]; ok && q.has(name) {
			asked = append(asked, name)
		}
	}
	switch len(asked) {
	case 1:
		return asked[0], nil
	case 0:
		return "", badField("connections", "one of connections, requests, delivered and fired must be there")
	}
	return "", badField(asked[1], "only one of connections, requests, delivered and fired, and %s is there", asked[0])
}

func (q *waitRequest) checkMembers(fact string) error {
	f := facts[fact]
	for _, name := range waitMembers {
		switch known := slices.Concat(f.needs, f.takes, []string{fact, "timeout"}); {
		case q.has(name) && !slices.Contains(known, name):
			return badField(name, "not for a wait for %s, which takes %s", fact, strings.Join(known, ", "))
		case !q.has(name) && slices.Contains(f.needs, name):
			return badField(name, "must be there in a wait for %s", fact)
		}
	}
	return nil
}

type restartRequest struct {
	Keep *string   `json:"keep"` // logs
	Down *duration `json:"down"` // 0
}

func restart(a *api, _ *http.Request, req restartRequest) (any, error) {
	keep, down := KeepLogs, time.Duration(0)
	if req.Keep != nil {
		keep = Keep(*req.Keep)
	}
	if req.Down != nil {
		down = time.Duration(*req.Down)
	}
	switch {
	case !slices.Contains([]Keep{KeepLogs, KeepCounter, KeepNothing}, keep):
		return nil, badField("keep", "%q is not logs, counter or nothing", keep)
	case down < 0 || down > longestWait:
		return nil, badField("down", "is not in 0 to %v", longestWait)
	}
	if err := a.server.Restart(keep, down); err != nil {
		return nil, &statusError{http.StatusServiceUnavailable, fmt.Sprint("not restarted: ", withoutPrefix(err))}
	}
	return a.server.Stats(), nil
}

func reset(a *api, _ *http.Request, _ struct{}) (any, error) {
	if err := a.server.Reset(); err != nil {
		return nil, &statusError{http.StatusServiceUnavailable, withoutPrefix(err)}
	}
	return a.server.Stats(), nil
}
