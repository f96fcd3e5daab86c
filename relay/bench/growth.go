package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/OneStepAt4time/resilient-sse/relay/internal/store"
)

// growthEvents are stored of each session.
const growthEvents = 10

// growth measures what a relay with its own store takes at so many sessions: memory of
// the process that runs both, and what is on the disk. It draws them.
func growth(ctx context.Context, t *table) error {
	var memory, disk plotter.XYs
	for _, n := range []int{1, 10, 100, 1000, 3000, 10000} {
		m, d, err := grow(ctx, n)
		if err != nil {
			return err
		}
		t.row(fmt.Sprintf("%d sessions of %d events", n, growthEvents), "memory %8.1f MB, %9.0f B each; disk %7.2f MB, %6.0f B each",
			float64(m)/1e6, float64(m)/float64(n), float64(d)/1e6, float64(d)/float64(n))
		memory = append(memory, plotter.XY{X: float64(n), Y: float64(m) / 1e6})
		disk = append(disk, plotter.XY{X: float64(n), Y: float64(d) / 1e6})
	}
	return draw(memory, disk)
}

// grow returns the bytes of memory that a store with so many sessions and a relay over
// it take beyond what the process had, and the bytes on the disk.
func grow(ctx context.Context, sessions int) (memory uint64, disk int64, err error) {
	before := inUse()
	j, err := newJet(ctx, 1)
	if err != nil {
		return 0, 0, err
	}
	defer j.close()
	s, err := j.open(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := fillAll(ctx, s, sessions); err != nil {
		return 0, 0, err
	}
	r, err := serveRelay(ctx, j, "http://127.0.0.1:1", 1) // nothing new comes
	if err != nil {
		return 0, 0, err
	}
	defer r.stop()
	after := inUse()
	disk, err = diskUse(j.dir)
	return after - min(before, after), disk, err
}

func fillAll(ctx context.Context, s *store.Store, sessions int) error {
	const workers = 20
	names := make(chan string)
	errs := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for name := range names {
				if err := fill(ctx, s, name, growthEvents); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for i := range sessions {
		select {
		case names <- fmt.Sprintf("session-%d", i):
		case err := <-errs:
			return err
		}
	}
	close(names)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// inUse returns the heap and the stacks that are in use after collections.
func inUse() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func draw(memory, disk plotter.XYs) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("A relay with its own store, %d events a session", growthEvents)
	p.X.Label.Text, p.Y.Label.Text = "sessions", "MB"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	if err := plotutil.AddLinePoints(p, "memory", memory, "disk", disk); err != nil {
		return err
	}
	p.X.Max *= 2 // room for the last label
	if err := os.MkdirAll(*figures, 0o777); err != nil {
		return err
	}
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, filepath.Join(*figures, "sessions.svg"))
}
