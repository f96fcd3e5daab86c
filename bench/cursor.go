package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
)

const (
	cursorStreams = 2000
	cursorTime    = 20 * time.Second
)

// cursors: many streams that keep their positions in one file, an event a second each.
// An event is late by what passes between its sending and its arrival in the loop. What
// comes while streams are still being opened is not counted.
func cursors(streams int, long time.Duration) (rows []row, err error) {
	src, err := startChild("source", command{})
	if err != nil {
		return nil, err
	}
	defer src.close()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file, err := client.OpenFileCursor(filepath.Join(dir, "cursor"))
	if err != nil {
		return nil, err
	}
	defer file.Close()

	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	hc := &http.Client{Transport: client.NewTransport()}
	late := make([][]time.Duration, streams)
	failed := make([]error, streams)
	var running sync.WaitGroup
	var open atomic.Int64
	for i := range streams {
		es, err := client.New(fmt.Sprintf("%s/ticks?stream=%d", src.url, i), &client.Options{HTTPClient: hc, Cursor: file})
		if err != nil {
			return nil, err
		}
		running.Go(func() {
			first := true
			for ev, err := range es.Events(ctx) {
				if err != nil {
					if ctx.Err() == nil {
						failed[i] = err
					}
					return
				}
				if first {
					first = false
					open.Add(1)
				}
				if open.Load() < int64(streams) {
					continue
				}
				sent, _ := strconv.ParseInt(ev.Data, 10, 64)
				late[i] = append(late[i], time.Since(time.Unix(0, sent)))
			}
		})
	}
	running.Wait()
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		return nil, failed[i]
	}
	all := slices.Concat(late...)
	if len(all) == 0 {
		return nil, fmt.Errorf("no event came in %v", long)
	}
	slices.Sort(all)
	p99 := all[len(all)*99/100]
	return []row{{what: fmt.Sprintf("%d streams on one FileCursor: ms that 99 %% of the events are late at most", streams),
		figure: fmt.Sprintf("%v, the last %v", p99.Round(time.Millisecond/10), all[len(all)-1].Round(time.Millisecond)),
		beside: fmt.Sprintf("%d events", len(all)),
		ratio:  float64(p99) / float64(time.Millisecond), target: 100}}, nil
}
