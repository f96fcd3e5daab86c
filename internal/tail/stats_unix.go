//go:build unix

package tail

import (
	"os"
	"os/signal"
	"syscall"
)

// onStatsSignal says where the streams stand whenever SIGUSR1 comes, until it is
// stopped.
func (w *Follower) onStatsSignal() (stop func()) {
	sigs, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(sigs, syscall.SIGUSR1)
	go func() {
		defer close(ended)
		for range sigs {
			w.sayStats()
		}
	}()
	return func() {
		signal.Stop(sigs)
		close(sigs)
		<-ended
	}
}
