package control

import (
	"net/http"
	"strconv"
)

func getConns(a *api, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r, "stream"); err != nil {
		return nil, err
	}
	return list(a.server.Conns(r.URL.Query().Get("stream"))), nil
}

func howOf(r *http.Request, known ...string) (How, error) {
	if err := checkQuery(r, append(known, "how")...); err != nil {
		return "", err
	}
	switch how := How(r.URL.Query().Get("how")); how {
	case "":
		return Cut, nil
	case Cut, End, Reset:
		return how, nil
	default:
		return "", badField("how", "%q is not cut, end or reset", how)
	}
}

func deleteConns(a *api, r *http.Request, _ []byte) (any, error) {
	how, err := howOf(r, "stream")
	if err != nil {
		return nil, err
	}
	return removed{a.server.EndConns(r.URL.Query().Get("stream"), how)}, nil
}

func deleteConn(a *api, r *http.Request, _ []byte) (any, error) {
	how, err := howOf(r)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || !a.server.EndConn(number, how) {
		return nil, notFound("no connection %s", r.PathValue("number"))
	}
	return removed{1}, nil
}

// getRequests returns the journal, behind the request with the number in after.
func getRequests(a *api, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r, "after"); err != nil {
		return nil, err
	}
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return nil, badField("after", "%q is not a number of a request", text)
		}
	}
	return a.server.Requests(after), nil
}

// delivered are the ids of the events that a connection got as a whole, in their
// order; "" for one without.
type delivered struct {
	IDs []string `json:"ids"`
}

func getDelivered(a *api, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r); err != nil {
		return nil, err
	}
	if number, err := strconv.ParseInt(r.PathValue("number"), 10, 64); err == nil {
		if ids, ok := a.server.Delivered(number); ok {
			return delivered{list(ids)}, nil
		}
	}
	return nil, notFound("no request %s in the journal", r.PathValue("number"))
}
