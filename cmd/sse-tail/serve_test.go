package main

import (
	"reflect"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/testserver"
)

// TestServeHasAFlagForEachOption of the test server.
func TestServeHasAFlagForEachOption(t *testing.T) {
	flags := map[string]string{
		"Addr": "listen", "ControlAddr": "control", "TLS": "tls", "Profile": "profile", "Window": "window",
		"LagEvents": "lag-events", "LagBytes": "lag-bytes", "TotalBytes": "total-bytes", "Heartbeat": "heartbeat",
		"WriteTimeout": "write-timeout", "Linger": "linger", "RetireAfter": "retire-after", "MaxAge": "max-age",
		"Tokens": "token-file", "SSETokens": "sse-tokens", "MaxConnsPerAddr": "max-conns-per-addr", "MaxConns": "max-conns",
		"RetryAfter": "retry-after", "Origins": "origin", "Seed": "seed", "Journal": "journal", "Record": "record-bytes",
		"ControlToken": "control-token-file", "ControlHosts": "control-host", "ControlAny": "control-any", "NoControl": "no-control",
		"Header": "header",
	}
	cmd := newServe(&system.System{Env: func(string) string { return "" }}, new(cmdline.Problems))
	for f := range reflect.TypeFor[testserver.Options]().Fields() {
		if name := flags[f.Name]; cmd.Flags().Lookup(name) == nil {
			t.Errorf("no flag for testserver.Options.%s", f.Name)
		}
	}
}

// TestServeFlags: what the flags say is what the server gets, and 0 is not the default.
func TestServeFlags(t *testing.T) {
	o, err := (&serveFlags{control: "127.0.0.1:1", headers: []string{"X-A: b", "X-A:c"}}).options()
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Header["X-A"]; len(got) != 2 || got[0] != "b" || got[1] != "c" {
		t.Errorf("header: %q", o.Header)
	}
	if o.Window != testserver.Off || o.Heartbeat != testserver.Off || o.LagEvents != 1 || o.Journal != 1 || o.ControlAddr != "127.0.0.1:1" {
		t.Errorf("zeros: %+v", o)
	}
	f := &serveFlags{control: "127.0.0.1:1"}
	f.opts.NoControl = true
	if o, err := f.options(); err != nil || o.ControlAddr != "" {
		t.Errorf("--no-control: %q, %v", o.ControlAddr, err)
	}
}
