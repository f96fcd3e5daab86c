package testserver

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// controlPath is where the control API begins. docs/control.md describes it.
const controlPath = "/_ctl/"

// maxControlBody bounds a request to the control API.
const maxControlBody = 8 << 20

// An action is one operation of the control API. What it returns is the JSON of
// the response.
type action func(s *Server, r *http.Request, body []byte) (any, error)

// A route is the operations of one path, by method.
type route map[string]action

var control = map[string]route{
	"stats":                {"GET": getStats},
	"kinds":                {"GET": getKinds},
	"sessions":             {"GET": getSessions, "POST": with(postSession)},
	"sessions/{name}/end":  {"POST": with(endSession)},
	"streams":              {"GET": getStreams, "POST": with(postStream)},
	"streams/{name}/end":   {"POST": endStream},
	"publish":              {"POST": publish},
	"write":                {"POST": with(write)},
	"faults":               {"GET": getFaults, "POST": postFaults, "DELETE": deleteFaults},
	"faults/{number}":      {"GET": getFault, "DELETE": deleteFault},
	"connections":          {"GET": getConnections, "DELETE": deleteConnections},
	"connections/{number}": {"DELETE": deleteConnection},
	"requests":             {"GET": getRequests},
	"wait":                 {"POST": with(waitFor)},
	"restart":              {"POST": with(restart)},
	"reset":                {"POST": reset},
}

// with is an action whose body is an object of known members; no body is an empty
// one.
func with[T any](act func(*Server, *http.Request, T) (any, error)) action {
	return func(s *Server, r *http.Request, body []byte) (any, error) {
		var v T
		if len(body) > 0 {
			if err := decodeStrict(body, &v); err != nil {
				return nil, err
			}
		}
		return act(s, r, v)
	}
}

// A statusError is an answer of the control API that is not about a member.
type statusError struct {
	status int
	reason string
}

func (e *statusError) Error() string { return e.reason }

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// created is a result that answers 201.
type created struct{ result any }

// newControl returns the handler of the control API.
func newControl(s *Server) http.Handler {
	mux := http.NewServeMux()
	for path, route := range control {
		mux.HandleFunc(controlPath+path, func(w http.ResponseWriter, r *http.Request) { s.act(w, r, route) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, nil, notFound("no such path"))
	})
	return mux
}

// serveControl answers a request to the control API, if whoever asks may.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	if err := s.guard(r); err != nil {
		answerJSON(w, nil, err)
		return
	}
	s.control.ServeHTTP(w, r)
}

func (s *Server) act(w http.ResponseWriter, r *http.Request, route route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	act := route[method]
	if act == nil {
		answerJSON(w, nil, &statusError{http.StatusMethodNotAllowed, r.Method + " is not for this path"})
		return
	}
	body, err := readBody(w, r, maxControlBody)
	if err != nil {
		answerJSON(w, nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("a body is at most %d bytes, and comes within %v", maxControlBody, bodyTimeout)})
		return
	}
	result, err := act(s, r, body)
	answerJSON(w, result, err)
}

// guard keeps others out: other machines, web pages that reach for a server on
// this one (by DNS rebinding, or with a request of their own), and who has no token.
func (s *Server) guard(r *http.Request) error {
	o := &s.hub.opts
	if !o.ControlAny && !s.memory {
		host, _ := hostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return &statusError{http.StatusForbidden, "the control API is for this machine alone"}
		}
		if name, _ := hostPort(r.Host); !isLocal(name) {
			return &statusError{http.StatusForbidden, "Host: the control API answers only to names of this machine"}
		}
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return &statusError{http.StatusForbidden, "Origin: " + err.Error()}
	}
	if o.ControlToken != "" && subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(o.ControlToken)) == 0 {
		return &statusError{http.StatusUnauthorized, "the control API wants its token"}
	}
	return nil
}

// isLocal tells whether a Host name means this machine whatever a name server says.
func isLocal(name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(name, "."), "localhost")
}

// An apiError is the JSON of an error.
type apiError struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"` // the member or parameter that it is about
}

// answerJSON answers with a result or an error.
func answerJSON(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if c, ok := result.(created); ok {
		status, result = http.StatusCreated, c.result
	}
	if err != nil {
		status, result = describe(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(result)
}

// describe returns the answer to an error.
func describe(err error) (status int, body any) {
	if e, ok := errors.AsType[*FieldError](err); ok {
		return http.StatusBadRequest, apiError{Error: e.Reason, Field: e.Field}
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status, apiError{Error: e.reason}
	}
	return http.StatusServiceUnavailable, apiError{Error: strings.TrimPrefix(err.Error(), "testserver: ")}
}

// checkQuery refuses parameters that an action doesn't know.
func checkQuery(r *http.Request, known ...string) error {
	for key := range r.URL.Query() {
		if !slices.Contains(known, key) {
			return badField(key, "unknown parameter")
		}
	}
	return nil
}
