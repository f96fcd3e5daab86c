package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/OneStepAt4time/resilient-sse/backoff"
	"github.com/OneStepAt4time/resilient-sse/client"
)

const protocolVersion = "2025-11-25"

// call returns a source for the answer to one request of a session of MCP's
// streamable HTTP: a POST whose response is a stream, which is resumed by a GET
// with the id of its last event.
func call(url, session, request string, opts client.Options) (*client.EventSource, error) {
	opts.Request.Method, opts.Request.Body = http.MethodPost, []byte(request)
	opts.Request.Header = http.Header{
		"Content-Type":         {"application/json"},
		"Accept":               {"application/json, text/event-stream"},
		"Mcp-Session-Id":       {session},
		"Mcp-Protocol-Version": {protocolVersion},
	}
	sent := false
	opts.Request.Repeat = true // as another one, see below
	opts.Request.Prepare = func(_ context.Context, req *http.Request) error {
		switch {
		case req.Header.Get("Last-Event-ID") != "":
			req.Method, req.Body, req.GetBody, req.ContentLength = http.MethodGet, nil, nil, 0
			req.Header.Set("Accept", "text/event-stream")
			req.Header.Del("Content-Type")
		case sent:
			// The server may have begun, and would do it twice.
			return backoff.Permanent(errors.New("the request was sent, and there is no event to resume after"))
		}
		sent = true
		return nil
	}
	return client.New(url, &opts)
}

// A message is one of JSON-RPC.
type message struct {
	ID     any             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
}

// count calls the tool and returns the progress that it was told of and the
// result. Told, if set, is called after each step.
func count(ctx context.Context, url, session string, opts client.Options, told func(step int)) (steps []int, result string, err error) {
	es, err := call(url, session, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"count","arguments":{},"_meta":{"progressToken":"t"}}}`, opts)
	if err != nil {
		return nil, "", err
	}
	for ev, err := range es.Events(ctx) {
		if err != nil {
			return steps, "", err
		}
		if ev.Data == "" {
			continue // it primes the stream: there is an id to resume after
		}
		var msg message
		if err := json.Unmarshal([]byte(ev.Data), &msg); err != nil {
			return steps, "", err
		}
		if msg.ID != nil { // the answer; the loop has no more to wait for
			return steps, string(msg.Result), nil
		}
		var progress struct {
			Progress int `json:"progress"`
		}
		if err := json.Unmarshal(msg.Params, &progress); err != nil {
			return steps, "", err
		}
		steps = append(steps, progress.Progress)
		if told != nil {
			told(progress.Progress)
		}
	}
	return steps, "", errors.New("the stream ended without an answer")
}

const steps = 20

// newMCPServer serves a tool that counts to 20 and tells of each step, each behind
// a value of next.
func newMCPServer(next <-chan bool) *httptest.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "counter", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "count"}, func(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		for step := 1; step <= steps; step++ {
			if next != nil {
				<-next
			}
			// It fails while nobody is connected; the step is stored all the same.
			_ = req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: req.Params.GetProgressToken(), Progress: float64(step)})
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "counted"}}}, nil, nil
	})
	return httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{EventStore: mcp.NewMemoryEventStore(nil)}))
}

// initialize opens a session and returns its id.
func initialize(url string) (session string, err error) {
	post := func(body string) (http.Header, error) {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		req.Header.Set("Mcp-Protocol-Version", protocolVersion)
		if session != "" {
			req.Header.Set("Mcp-Session-Id", session)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if resp.StatusCode/100 != 2 {
			return nil, fmt.Errorf("%s: %s", resp.Status, answer)
		}
		return resp.Header, err
	}
	h, err := post(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + protocolVersion + `","capabilities":{},"clientInfo":{"name":"peers","version":"1"}}}`)
	if err != nil {
		return "", err
	}
	session = h.Get("Mcp-Session-Id")
	_, err = post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return session, err
}

// A tool's call by MCP's streamable HTTP: what it tells on its way, and its result.
func Example_streamableHTTP() {
	server := newMCPServer(nil)
	defer server.Close()
	session, err := initialize(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	told, result, err := count(context.Background(), server.URL, session, client.Options{}, nil)
	fmt.Println(len(told), result, err)
	// Output:
	// 20 {"content":[{"type":"text","text":"counted"}]} <nil>
}

// TestStreamableHTTP cuts the connection after each step. The tool goes on
// meanwhile; nothing is lost, nothing comes twice, and it is called once.
func TestStreamableHTTP(t *testing.T) {
	next := make(chan bool, steps)
	server := newMCPServer(next)
	defer server.Close()
	session, err := initialize(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	opts := client.Options{
		Backoff: backoff.Policy{Initial: time.Millisecond, Max: 10 * time.Millisecond},
		HTTPClient: &http.Client{Transport: observed(func(req *http.Request) {
			methods = append(methods, req.Method)
		})},
	}
	next <- true
	told, result, err := count(t.Context(), server.URL, session, opts, func(step int) {
		if step < steps {
			server.CloseClientConnections()
			next <- true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	for step := range steps {
		want = append(want, step+1)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if !strings.Contains(result, "counted") {
		t.Errorf("result is %s", result)
	}
	if len(methods) < steps/2 || methods[0] != http.MethodPost {
		t.Errorf("requests were %v, want many", methods)
	}
	for _, m := range methods[1:] {
		if m != http.MethodGet {
			t.Errorf("requests were %v, want a POST and then GETs", methods)
			break
		}
	}
}

// observed is a transport that shows its requests.
type observed func(*http.Request)

func (f observed) RoundTrip(req *http.Request) (*http.Response, error) {
	f(req)
	return http.DefaultTransport.RoundTrip(req)
}
