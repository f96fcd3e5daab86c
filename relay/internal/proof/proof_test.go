//go:build unix

package proof

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

var (
	seed     = flag.Uint64("proof.seed", 1, "seed of the first round")
	duration = flag.Duration("proof.for", 0, "play rounds, each with the next seed, for so long; 0: one")
	round    = flag.Duration("proof.round", 25*time.Second, "how long harm is done in a round")
	systems  = flag.Bool("proof.mount", false, "give each node a file system of its own, to fill it: Linux, as root")
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

func TestProof(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM) // processes and file systems are tidied up
	defer stop()
	begin := time.Now()
	for n := *seed; ; n++ {
		t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) {
			r, err := Run(ctx, Options{Seed: n, For: *round, Dir: t.TempDir(), Logs: t.ArtifactDir(), FileSystems: *systems})
			if r != nil {
				t.Log(r)
			}
			if err != nil {
				t.Errorf("seed %d: %v", n, err)
			}
		})
		if ctx.Err() != nil || time.Since(begin) >= *duration {
			break
		}
	}
}
