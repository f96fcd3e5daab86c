package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// A certificate that does not verify is permanent; a handshake that is cut is an
// outage.
func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream(w)("data: x\n\n")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()

	_, err := collect(t, mustNew(t, srv.URL, client.Options{Backoff: quick}))
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("unknown authority: got %v, want the certificate's error at once", err)
	}

	cuts := 0
	tr := srv.Client().Transport.(*http.Transport).Clone()
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil && cuts < 2 {
			cuts++
			c.Close()
		}
		return c, err
	}
	for ev, err := range mustNew(t, srv.URL, client.Options{Backoff: quick, HTTPClient: &http.Client{Transport: tr}}).Events(t.Context()) {
		if err != nil || ev.Data != "x" || cuts != 2 {
			t.Errorf("got %v, %v after %d cut handshakes, want the event after 2", ev, err, cuts)
		}
		break
	}
}
