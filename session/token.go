package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/origin"
)

const (
	tokenTimeout  = 15 * time.Second // for one exchange, whatever the context says
	maxTokenReply = 16 << 10         // bytes of an answer that are read

	maxTokenRefusal = 1 << 10 // and of a refusal
)

// A TokenSource exchanges an API key for the single-use tokens that newer
// servers want, one for each connection. It is safe for concurrent use: each
// exchange is its own.
type TokenSource struct {
	hc       *http.Client
	exchange *http.Request // of each exchange, with the key
}

// NewTokenSource returns a source of tokens of the server at base, such as
// http://127.0.0.1:9100. A nil client means [http.DefaultClient]. It checks
// everything and dials nothing.
func NewTokenSource(base, apiKey string, hc *http.Client) (*TokenSource, error) {
	unfit := func(r rune) bool { return r <= ' ' || r >= 0x7F }
	if apiKey == "" || strings.ContainsFunc(apiKey, unfit) {
		return nil, errors.New("session: API key is empty, or has characters that no key has")
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, errors.New("session: server of the tokens is not an http or https URL")
	}
	req, err := http.NewRequest(http.MethodPost, u.JoinPath(TokenPath).String(), nil)
	if err != nil {
		return nil, fmt.Errorf("session: server of the tokens: %w", withoutURL(err))
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Accept", "application/json")
	if hc == nil {
		hc = http.DefaultClient
	}
	own := *hc
	// Not followed, wherever it leads: the key is for this URL alone.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &TokenSource{hc: &own, exchange: req}, nil
}

// Prepare gets a fresh token and puts it into the request, as the query's token
// parameter. It removes an Authorization header: servers look there first. It
// fits client.Request.Prepare.
//
// It refuses a request to another origin than the server's. An exchange takes
// 15 s at most. The error is a [*TokenError], and never holds the key, a token
// or a URL.
func (s *TokenSource) Prepare(ctx context.Context, req *http.Request) error {
	if !origin.Same(req.URL, s.exchange.URL) {
		return &TokenError{Reason: "is not for the request's origin"}
	}
	token, err := s.Token(ctx)
	if err != nil {
		return err
	}
	setToken(req.URL, token.Value)
	req.Header.Del("Authorization")
	return nil
}

// Format implements [fmt.Formatter]: a printed source shows no key.
func (s TokenSource) Format(f fmt.State, _ rune) {
	io.WriteString(f, "session.TokenSource("+s.exchange.URL.Host+")")
}

// Token exchanges the key for one token. Servers take it once, within about a
// minute, and hand out only some at a time: Aegis 0.6.6 answers 429 while five of
// a key wait for their connections. The limits and errors are those of
// [TokenSource.Prepare].
func (s *TokenSource) Token(ctx context.Context) (Token, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tokenTimeout, errTokenTimeout)
	defer cancel()
	failed := func(err error) (Token, error) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Token{}, &TokenError{Reason: "exchange failed", Err: withoutURL(err)}
	}
	resp, err := s.hc.Do(s.exchange.Clone(ctx))
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxTokenRefusal)) // what there is of it
		return Token{}, &TokenError{StatusCode: resp.StatusCode, Header: resp.Header, Body: body, Reason: "was refused"}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenReply))
	if err != nil {
		return failed(err)
	}
	var token Token
	if json.Unmarshal(body, &token) != nil || token.Value == "" { // json's error would quote the answer
		return Token{}, &TokenError{StatusCode: resp.StatusCode, Header: resp.Header, Reason: "is missing in the answer"}
	}
	return token, nil
}

// A Token is good for one connection. Printed, it shows no value.
type Token struct {
	Value     string    // for the token parameter
	ExpiresAt time.Time // by the server's clock; zero if it did not say, or not in a form that is known
}

// UnmarshalJSON implements [json.Unmarshaler] for a server's answer, in which
// expiresAt is text of RFC 3339, or a number of milliseconds since 1970.
func (t *Token) UnmarshalJSON(b []byte) error {
	var reply struct {
		Token     string          `json:"token"`
		ExpiresAt json.RawMessage `json:"expiresAt"`
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		return err
	}
	*t = Token{Value: reply.Token, ExpiresAt: expiry(reply.ExpiresAt)}
	return nil
}

// expiry never fails: a token is good whatever is said of its end.
func expiry(raw json.RawMessage) (t time.Time) {
	var ms float64
	switch {
	case len(raw) == 0:
	case raw[0] == '"':
		if json.Unmarshal(raw, &t) != nil {
			return time.Time{}
		}
	case json.Unmarshal(raw, &ms) == nil && ms > 0 && ms < maxMilliseconds:
		return time.UnixMilli(int64(ms)).UTC()
	}
	return t
}

// maxMilliseconds keeps a time within the years that RFC 3339 can write.
const maxMilliseconds = 253402300800000

// Format implements [fmt.Formatter].
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, "session.Token(***)") }

var errTokenTimeout = fmt.Errorf("no answer within %v", tokenTimeout)

// A TokenError says why there is no token for a connection.
type TokenError struct {
	StatusCode int         // of the answer; 0 if there was none
	Header     http.Header // of the answer: Retry-After; nil if there was none
	Body       []byte      // of a refusal: its first KiB
	Reason     string      // "was refused", "is missing in the answer"
	Err        error       // what failed below HTTP, or the context's cause; else nil
}

func (e *TokenError) Error() string {
	s := "session: token " + e.Reason
	if e.StatusCode != 0 {
		s += fmt.Sprintf(": server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *TokenError) Unwrap() error { return e.Err }

// setToken replaces the query's token and leaves the rest of it as it is.
func setToken(u *url.URL, token string) {
	pairs := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return pair == "" || name == "token"
	})
	u.RawQuery = strings.Join(append(pairs, "token="+url.QueryEscape(token)), "&")
}

// withoutURL drops the URL that net/http puts into its errors.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
