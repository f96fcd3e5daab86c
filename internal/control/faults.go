package control

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func getKinds(_ *api, r *http.Request, _ []byte) (any, error) { return fault.Kinds(), checkQuery(r) }

// A faultInfo is a fault in force in JSON.
type faultInfo struct {
	Number int         `json:"number"`
	Fault  fault.Fault `json:"fault"`
	Fired  int         `json:"fired"`
	Left   *int        `json:"left"` // strikes; null if there is no limit
}

func infoOf(i fault.Info) faultInfo {
	info := faultInfo{Number: i.Number, Fault: i.Fault, Fired: i.Fired}
	if i.Left >= 0 {
		info.Left = &i.Left
	}
	return info
}

func infosOf(is []fault.Info) []faultInfo {
	infos := make([]faultInfo, 0, len(is))
	for _, i := range is {
		infos = append(infos, infoOf(i))
	}
	return infos
}

// getFaults lists the faults that can still strike.
func getFaults(a *api, r *http.Request, _ []byte) (any, error) {
	return infosOf(a.server.Faults()), checkQuery(r)
}

func postFaults(a *api, _ *http.Request, body []byte) (any, error) {
	items, err := oneOrMany[json.RawMessage](body)
	if err != nil {
		return nil, err
	}
	faults := make([]fault.Fault, len(items))
	for i, item := range items {
		f := &faults[i]
		if err := f.UnmarshalJSON(item); err != nil { // which names the member
			return nil, inItem(err, body, i)
		}
		if a.opts.Shared && f.Kind() == fault.KindRefuse && f.Lasts() {
			err := badField("always", "nobody could remove it, because the control API is on the same port: use for, or give the API a port of its own")
			return nil, inItem(err, body, i)
		}
	}
	infos, err := a.server.Inject(faults)
	if err != nil {
		return nil, err
	}
	return created{infosOf(infos)}, nil
}

// removed says how many there were.
type removed struct {
	Removed int `json:"removed"`
}

func deleteFaults(a *api, r *http.Request, _ []byte) (any, error) {
	if err := checkQuery(r); err != nil {
		return nil, err
	}
	return removed{a.server.RemoveAllFaults()}, nil
}

// getFault tells of a fault, also of one that is used up.
func getFault(a *api, r *http.Request, _ []byte) (any, error) {
	number := r.PathValue("number")
	if n, err := strconv.Atoi(number); err == nil {
		if info, ok := a.server.Fault(n); ok {
			return infoOf(info), nil
		}
	}
	return nil, notFound("no fault %s", number)
}

func deleteFault(a *api, r *http.Request, body []byte) (any, error) {
	if n, err := strconv.Atoi(r.PathValue("number")); err == nil {
		a.server.RemoveFaults(n)
	}
	return getFault(a, r, body)
}
