package daemon

import (
	"context"
	"crypto/tls"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// A certificate is that of the readers' TLS.
type certificate struct {
	cert, key string
	pair      atomic.Pointer[tls.Certificate]
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }

// reloadOnHangup reads the files of tokens and certificate anew at each SIGHUP. What
// can't be read leaves what there was.
func (d *Daemon) reloadOnHangup(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		d.reload()
	}
}

func (d *Daemon) reload() {
	if d.tokens != nil {
		if err := d.tokens.read(); err != nil {
			d.log.Error("tokens were not read again: those before are in force", "err", err)
		} else {
			d.log.Info("tokens were read again", "file", d.tokens.path)
		}
	}
	if d.cert != nil {
		if err := d.cert.read(); err != nil {
			d.log.Error("certificate was not read again: the one before is in force", "err", err)
		} else {
			d.log.Info("certificate was read again", "file", d.cert.cert)
		}
	}
}
