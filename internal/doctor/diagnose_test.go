package doctor_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/doctor"
)

// stream is an observation of a stream on which nothing is wrong.
func stream(change func(*doctor.Observation)) *doctor.Observation {
	o := &doctor.Observation{
		StatusCode: 200, Head: http.Header{"Content-Type": {"text/event-stream"}}, Listened: time.Minute, Bytes: 100, Silence: time.Second,
		Gzip: &doctor.Gzip{},
	}
	change(o)
	return o
}

// TestWords has what no test server does.
func TestWords(t *testing.T) {
	header := func(name, value string) func(*doctor.Observation) {
		return func(o *doctor.Observation) {
			o.Head.Set(name, value)
			o.Session, o.Bytes = true, 0
		}
	}
	failed := func(err error) *doctor.Observation { return &doctor.Observation{Err: err} }
	for _, test := range []struct {
		name  string
		seen  *doctor.Observation
		check string
		state doctor.State
		says  string
	}{
		{"no such host", failed(&net.DNSError{Name: "x", IsNotFound: true}), "reachable", doctor.Fault, "leads nowhere"},
		{"certificate", failed(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "reachable", doctor.Fault, "--cacert FILE"},
		{"no TLS", failed(tls.RecordHeaderError{Msg: "x", Conn: &net.TCPConn{}}), "reachable", doctor.Fault, "not in TLS"},
		{"no route", failed(errors.New("x")), "reachable", doctor.Fault, "no way to the server"},

		{"no field names", stream(func(o *doctor.Observation) {
			o.Lines = doctor.Lines{Unknown: 3, Sample: `{"a":1}`}
		}), "format", doctor.Fault, "write each event as data:"},
		{"no blank lines", stream(func(o *doctor.Observation) {
			o.Lines = doctor.Lines{Data: 3}
		}), "format", doctor.Fault, "write a blank line behind each event"},

		{"Apache", stream(header("Server", "Apache/2.4")), "first byte", doctor.Fault, "flushpackets=on"},
		{"Cloudflare", stream(header("Server", "cloudflare")), "first byte", doctor.Fault, "no-transform"},
		{"nginx", stream(header("Via", "1.1 nginx")), "first byte", doctor.Fault, "proxy_buffering off;"},
		{"told already", stream(header("X-Accel-Buffering", "no")), "first byte", doctor.Fault, "was told already"},
		{"nginx, and nothing has happened", stream(func(o *doctor.Observation) {
			o.Head.Set("Server", "nginx")
		}), "buffering", doctor.Unknown, "too few events"},
		{"nginx, and pieces come by themselves", stream(func(o *doctor.Observation) {
			o.Head.Set("Server", "nginx")
			o.Apart = 3
		}), "buffering", doctor.OK, "behind a pause"},
		{"compressed for browsers, flushed or not", stream(func(o *doctor.Observation) {
			o.Gzip = &doctor.Gzip{Encoding: "br"}
		}), "compression", doctor.Unknown, "we can't read it"},
		{"redirect to another origin", stream(func(o *doctor.Observation) {
			o.Hops, o.OtherSite = []string{"http://other/"}, true
		}), "redirect", doctor.Warning, "no headers, cookies or tokens"},
		{"good retry", stream(func(o *doctor.Observation) { o.Retry = new("3000") }), "retry", doctor.OK, "3s"},
		{"no retry", stream(func(o *doctor.Observation) { o.Retry = new("0") }), "retry", doctor.Warning, "retry: 0 "},
		{"bad retry", stream(func(o *doctor.Observation) { o.Retry = new("1.5") }), "retry", doctor.Warning, "not digits"},
		{"huge retry", stream(func(o *doctor.Observation) { o.Retry = new("99999999999999999999999") }), "retry", doctor.Warning, "waits that long"},
		{"reconnects would fail", stream(func(o *doctor.Observation) {
			o.Replay = &doctor.Replay{Asked: "1", Want: []string{"2"}, Err: errors.New("client: broken")}
		}), "replay", doctor.Fault, "did not answer: broken"},
	} {
		found := false
		for _, c := range doctor.Diagnose(test.seen) {
			if c.Name == test.check {
				found = true
				if text := c.Seen + "|" + c.Means + "|" + c.Change; c.State != test.state || !strings.Contains(text, test.says) {
					t.Errorf("%s: got %+v, want %s that says %q", test.name, c, test.state, test.says)
				}
			}
		}
		if !found {
			t.Errorf("%s: no check of %s", test.name, test.check)
		}
	}
}
