package control

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/strict"
	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

// Path is where the API begins.
const Path = "/_ctl/"

// Options say who may call the API. Zero is: programs on this machine.
type Options struct {
	Token  string   // none; what is wanted as bearer
	Hosts  []string // none; further names that a Host header may have
	Any    bool     // false; callers from other machines, and any Host
	Shared bool     // false; the API is on the port of the streams, which faults can shut
}

// How much a caller may send, and how long it may take.
const (
	maxBody     = 8 << 20
	bodyTimeout = 10 * time.Second
)

// A api is the handler.
type api struct {
	server Server
	opts   Options
}

// An action is one operation. What it returns is the JSON of the response.
type action func(a *api, r *http.Request, body []byte) (any, error)

// A route is the operations of one path, by method.
type route map[string]action

var routes = map[string]route{
	"stats":                       {"GET": getStats},
	"kinds":                       {"GET": getKinds},
	"sessions":                    {"GET": getSessions, "POST": with(postSession)},
	"sessions/{name}/end":         {"POST": with(endSession)},
	"sessions/{name}/events":      {"GET": getEvents},
	"streams":                     {"GET": getStreams, "POST": with(postStream)},
	"streams/{name}/end":          {"POST": with(endStream)},
	"streams/{name}/events":       {"GET": getEvents},
	"publish":                     {"POST": publish},
	"write":                       {"POST": with(write)},
	"assert":                      {"POST": with(assert)},
	"faults":                      {"GET": getFaults, "POST": postFaults, "DELETE": deleteFaults},
	"faults/{number}":             {"GET": getFault, "DELETE": deleteFault},
	"connections":                 {"GET": getConns, "DELETE": deleteConns},
	"connections/{number}":        {"DELETE": deleteConn},
	"requests":                    {"GET": getRequests},
	"requests/{number}/delivered": {"GET": getDelivered},
	"wait":                        {"POST": with(wait)},
	"restart":                     {"POST": with(restart)},
	"reset":                       {"POST": with(reset)},
}

// New returns the handler of the API of a server.
func New(s Server, opts Options) http.Handler {
	a := &api{s, opts}
	mux := http.NewServeMux()
	for path, route := range routes {
		mux.HandleFunc(Path+path, func(w http.ResponseWriter, r *http.Request) { a.act(w, r, route) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, nil, notFound("no such path")) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.guard(r); err != nil {
			answer(w, nil, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// with is an action whose body is an object of known members; no body is an empty one.
func with[T any](act func(*api, *http.Request, T) (any, error)) action {
	return func(a *api, r *http.Request, body []byte) (any, error) {
		var v T
		if len(body) > 0 {
			if err := strict.Decode(body, &v); err != nil {
				return nil, err
			}
		}
		return act(a, r, v)
	}
}

func (a *api) act(w http.ResponseWriter, r *http.Request, route route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	act := route[method]
	if act == nil {
		methods := slices.Sorted(maps.Keys(route))
		w.Header().Set("Allow", strings.Join(methods, ", "))
		answer(w, nil, &statusError{http.StatusMethodNotAllowed, r.Method + " is not for this path"})
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		answer(w, nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("a body is at most %d bytes, and comes within %v", maxBody, bodyTimeout)})
		return
	}
	result, err := act(a, r, body)
	answer(w, result, err)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil { // or net/http would wait for the rest of the body
		rc.SetReadDeadline(time.Time{}) // or the client would seem to leave then
	}
	return b, err
}

// guard keeps others out: other machines, web pages that reach for a server on this
// one (by DNS rebinding, or with a request of their own), and who has no token.
func (a *api) guard(r *http.Request) error {
	if !a.opts.Any {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return &statusError{http.StatusForbidden, "the control API is for this machine alone"}
		}
		if !a.isLocal(nameOf(r.Host)) {
			return &statusError{http.StatusForbidden, "Host: the control API answers only to names of this machine"}
		}
	}
	// Also a GET: what it answers is nothing for a page that somebody else serves.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &statusError{http.StatusForbidden, "Sec-Fetch-Site: no web page of another origin may call the control API"}
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r) {
		return &statusError{http.StatusForbidden, "Origin: no web page of another origin may call the control API"}
	}
	if a.opts.Token != "" && subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(a.opts.Token)) == 0 {
		return &statusError{http.StatusUnauthorized, "the control API wants its token"}
	}
	return nil
}

func sameOrigin(origin string, r *http.Request) bool {
	_, host, ok := strings.Cut(origin, "://")
	return ok && host == r.Host
}

// nameOf returns the name in a Host header, whose port may be missing.
func nameOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// isLocal tells whether a Host name means this machine whatever a name server says, or
// is one that was allowed.
func (a *api) isLocal(name string) bool {
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	name = strings.TrimSuffix(name, ".")
	return strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(a.opts.Hosts, func(host string) bool { return strings.EqualFold(host, name) })
}

// A statusError is an answer that is not about a member.
type statusError struct {
	status int
	reason string
}

func (e *statusError) Error() string { return e.reason }

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func badField(field, format string, args ...any) error {
	return &fault.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// created is a result that answers 201.
type created struct{ result any }

// answer answers with a result or an error.
func answer(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if c, ok := result.(created); ok {
		status, result = http.StatusCreated, c.result
	}
	if err != nil {
		status, result = describe(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(result)
}

// A problem is the JSON of an error.
type problem struct {
	Error string  `json:"error"`
	Field *string `json:"field"` // the member or parameter that it is about
}

// describe returns the answer to an error.
func describe(err error) (status int, body problem) {
	if e, ok := errors.AsType[*fault.FieldError](err); ok {
		return http.StatusBadRequest, problem{e.Reason, orNull(e.Field)}
	}
	if e, ok := errors.AsType[*strict.Error](err); ok {
		return http.StatusBadRequest, problem{e.Reason, orNull(e.Path)}
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status, problem{Error: e.reason}
	}
	return http.StatusServiceUnavailable, problem{Error: err.Error()}
}

// orNull returns nil for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// checkQuery refuses parameters that an action does not know, or that are there twice.
func checkQuery(r *http.Request, known ...string) error {
	for key, values := range r.URL.Query() {
		if !slices.Contains(known, key) {
			return badField(key, "unknown parameter")
		}
		if len(values) > 1 {
			return badField(key, "is there twice")
		}
	}
	return nil
}

// A duration in JSON is text such as "1.5s", or milliseconds.
type duration time.Duration

// MarshalText writes text.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalJSON takes both.
func (d *duration) UnmarshalJSON(b []byte) error {
	v, err := fault.ParseDuration(b)
	*d = duration(v)
	return err
}

// Wants says what it takes.
func (duration) Wants() string { return `a time such as "1.5s", or milliseconds` }
