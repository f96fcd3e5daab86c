package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ListPath is where a server lists its sessions.
const ListPath = "/v1/sessions"

const (
	listTimeout  = 30 * time.Second // for one page, whatever the context says
	maxListReply = 16 << 20         // bytes of a page that are read
	maxListPages = 1000
)

// An Info is one session in a server's list. What a server does not say is zero.
type Info struct {
	ID           string
	Name         string // what a person calls it
	Status       string // idle, working, …
	WorkDir      string
	CreatedAt    time.Time
	LastActivity time.Time
}

// List asks the server at base for its sessions, page by page, in the order of the
// server. The header is sent with each request; a nil client means
// [http.DefaultClient]. Redirects are not followed: what the header holds is for
// this server. The error is a [*ListError], and never holds the header or a URL.
func List(ctx context.Context, base string, header http.Header, hc *http.Client) ([]Info, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, &ListError{Err: errors.New("server is not an http or https URL")}
	}
	query := u.Query()
	u = u.JoinPath(ListPath)
	if hc == nil {
		hc = http.DefaultClient
	}
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var all []Info
	for n := 1; n <= maxListPages; n++ {
		if n > 1 {
			query.Set("page", strconv.Itoa(n))
		}
		u.RawQuery = query.Encode()
		p, err := listPage(ctx, u, header, &own)
		if err != nil {
			return nil, err
		}
		all = append(all, p.sessions...)
		if n >= p.pages || len(p.sessions) == 0 {
			break
		}
	}
	return all, nil
}

// page is one page of a list, and how many there are.
type page struct {
	sessions []Info
	pages    int
}

func listPage(ctx context.Context, u *url.URL, header http.Header, hc *http.Client) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return page{}, &ListError{Err: withoutURL(err)}
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Accept", "application/json")
	resp, err := hc.Do(req)
	if err != nil {
		return page{}, &ListError{Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxListReply))
	if resp.StatusCode != http.StatusOK {
		return page{}, &ListError{StatusCode: resp.StatusCode, Header: resp.Header, Body: body[:min(len(body), maxTokenRefusal)]}
	}
	if err != nil {
		return page{}, &ListError{Err: withoutURL(err)}
	}
	p, err := readPage(body)
	if err != nil {
		return page{}, &ListError{StatusCode: resp.StatusCode, Header: resp.Header, Err: errors.New("the answer is no list of sessions")}
	}
	return p, nil
}

// readPage reads an object with the member sessions, or an array of sessions.
func readPage(body []byte) (page, error) {
	var list []entry
	var object struct {
		Sessions   *[]entry `json:"sessions"`
		Pagination struct {
			TotalPages int `json:"totalPages"`
		} `json:"pagination"`
	}
	if json.Unmarshal(body, &list) != nil {
		if err := json.Unmarshal(body, &object); err != nil {
			return page{}, err
		}
		if object.Sessions == nil {
			return page{}, errors.New("no sessions")
		}
		list = *object.Sessions
	}
	p := page{pages: object.Pagination.TotalPages}
	for _, e := range list {
		if e.ID == "" {
			continue
		}
		i := Info{ID: e.ID, Name: e.WindowName, Status: e.Status, WorkDir: e.WorkDir, CreatedAt: expiry(e.CreatedAt), LastActivity: expiry(e.LastActivity)}
		for _, name := range []string{e.Name, e.DisplayName} {
			if name != "" {
				i.Name = name
			}
		}
		p.sessions = append(p.sessions, i)
	}
	return p, nil
}

// entry is a session as servers write it.
type entry struct {
	ID           string          `json:"id"`
	WindowName   string          `json:"windowName"`
	Name         string          `json:"name"`
	DisplayName  string          `json:"displayName"`
	Status       string          `json:"status"`
	WorkDir      string          `json:"workDir"`
	CreatedAt    json.RawMessage `json:"createdAt"`    // text of RFC 3339, or milliseconds
	LastActivity json.RawMessage `json:"lastActivity"` // the same
}

// A ListError is a list that could not be had.
type ListError struct {
	StatusCode int         // of the answer; 0 if there was none
	Header     http.Header // of the answer; nil if there was none
	Body       []byte      // of a refusal: its first KiB
	Err        error       // what failed below HTTP, or is wrong with the answer; else nil
}

func (e *ListError) Error() string {
	s := "session: list of sessions"
	if e.StatusCode != 0 && e.Err == nil {
		return s + fmt.Sprintf(": server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	return s + ": " + e.Err.Error()
}

func (e *ListError) Unwrap() error { return e.Err }
