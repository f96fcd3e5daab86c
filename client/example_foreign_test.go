package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// Examples of servers that have rules of their own.

// completions answers as servers of language models do: one chunk after the other,
// and [DONE]. Its streams have no ids and can't be resumed.
func completions(w http.ResponseWriter, r *http.Request) {
	asked, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || !strings.Contains(string(asked), `"stream":true`) {
		http.Error(w, "not a question", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, word := range []string{"six times", " seven", " is 42"} {
		fmt.Fprintf(w, `data: {"choices":[{"delta":{"content":%q}}]}`+"\n\n", word)
	}
	io.WriteString(w, "data: [DONE]\n\n")
}

// A completion of a language model: a POST whose stream says [DONE]. Only that
// tells that the answer is whole. The request is sent once: repeated, it would be
// another answer, and be paid for again.
func ExampleNew_completion() {
	srv := httptest.NewServer(http.HandlerFunc(completions))
	defer srv.Close()

	es, err := client.New(srv.URL+"/v1/chat/completions", &client.Options{
		Request: client.Request{
			Method: http.MethodPost,
			Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer key"}},
			Body:   []byte(`{"model":"m","stream":true,"messages":[{"role":"user","content":"six times seven?"}]}`),
		},
		Timeouts: client.Timeouts{Header: 2 * time.Minute, Idle: time.Minute}, // it may think before it begins
	})
	if err != nil {
		log.Fatal(err)
	}
	whole := false
	for ev, err := range es.Events(context.Background()) {
		if cut, ok := errors.AsType[*client.InterruptedError](err); ok {
			log.Fatal("cut short, and the beginning is above: ", cut)
		}
		if err != nil {
			log.Fatal(err)
		}
		if ev.Data == "[DONE]" {
			whole = true
			break
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(ev.Data), &chunk); err != nil {
			log.Fatal(err)
		}
		for _, choice := range chunk.Choices {
			fmt.Print(choice.Delta.Content)
		}
	}
	fmt.Println("\nwhole:", whole)
	// Output:
	// six times seven is 42
	// whole: true
}

// orders serves numbered orders and resumes by the parameter after of the query,
// not by Last-Event-ID. It ends each response behind two of them.
func orders(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	if after == 4 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for id := after + 1; id <= after+2; id++ {
		fmt.Fprintf(w, "id: %d\ndata: order %d of %s\n\n", id, id, r.URL.Query().Get("shop"))
	}
}

// A server that resumes by a parameter of the query: Prepare puts it there for each
// attempt. The header is the position behind which this attempt is to begin.
func ExampleRequest_query() {
	srv := httptest.NewServer(http.HandlerFunc(orders))
	defer srv.Close()

	es, err := client.New(srv.URL+"?shop=tea", &client.Options{
		Backoff: soon,
		Request: client.Request{Prepare: func(_ context.Context, req *http.Request) error {
			if id := req.Header.Get("Last-Event-ID"); id != "" {
				query := req.URL.Query()
				query.Set("after", id)
				req.URL.RawQuery = query.Encode()
				req.Header.Del("Last-Event-ID")
			}
			return nil
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.Data)
	}
	// Output:
	// order 1 of tea
	// order 2 of tea
	// order 3 of tea
	// order 4 of tea
}
