package certify

import (
	"errors"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

type live struct{ audience }

func (l *live) emitted() []scenario.Event { return nil }

func openLive(*scenario.Live) (audience, error) { return nil, errors.New("certify: not yet") }
