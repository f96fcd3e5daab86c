package testserver

import (
	"context"
	"fmt"
	"io"
	"time"

	recording "github.com/OneStepAt4time/resilient-sse/internal/record"
)

// Play publishes what was recorded (sse-tail --record writes such files) on plain
// streams: each event with its id, type and data, on the stream that it was recorded
// from, or on the one of the name where the file does not say. Speed is how fast: 1 is
// the pace at which they came, 10 is ten times that, 0 is without pauses. It returns
// when all are published, or with the context's cause; what is wrong with the file is an
// error that names the line.
func (s *Server) Play(ctx context.Context, stream string, r io.Reader, speed float64) error {
	if !(speed >= 0) {
		return fmt.Errorf("testserver: a speed of %v", speed)
	}
	var first, start time.Time
	for ev, err := range recording.Read(r) {
		if err != nil {
			return fmt.Errorf("testserver: %w", err)
		}
		if first.IsZero() {
			first, start = ev.Time, time.Now()
		}
		if speed > 0 {
			at := start.Add(time.Duration(float64(ev.Time.Sub(first)) / speed))
			if err := pauseUntil(ctx, at); err != nil {
				return err
			}
		} else if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := ev.Stream
		if name == "" {
			name = stream
		}
		st, err := s.stream(name)
		if err != nil {
			return err
		}
		if err := st.Send(ev.Event); err != nil {
			return fmt.Errorf("testserver: event %q of %q: %w", ev.ID, name, err)
		}
	}
	return nil
}

func pauseUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
