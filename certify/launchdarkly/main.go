// The adapter of github.com/launchdarkly/eventsource.
package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/launchdarkly/eventsource"

	"github.com/OneStepAt4time/resilient-sse/certify/adapter"
)

func main() {
	adapter.EndWithStdin()
	req, err := http.NewRequest(http.MethodGet, adapter.URL(), nil)
	if err != nil {
		adapter.End(err)
	}
	req.Header.Set("Authorization", "Bearer "+adapter.Token())
	stream, err := eventsource.SubscribeWithRequestAndOptions(req,
		eventsource.StreamOptionInitialRetry(adapter.Initial()),
		eventsource.StreamOptionUseBackoff(30*time.Second),
		eventsource.StreamOptionUseJitter(0.5),
		eventsource.StreamOptionRetryResetInterval(time.Millisecond),
		eventsource.StreamOptionReadTimeout(adapter.Idle()),
		eventsource.StreamOptionCanRetryFirstConnection(-1),
		eventsource.StreamOptionErrorHandler(func(err error) eventsource.StreamErrorHandlerResult {
			refused, ok := errors.AsType[eventsource.SubscriptionError](err)
			return eventsource.StreamErrorHandlerResult{CloseNow: ok && refused.Code == http.StatusNoContent}
		}),
	)
	if err != nil {
		adapter.End(err)
	}
	for ev := range stream.Events {
		var id *string
		if with, ok := ev.(eventsource.EventWithLastID); ok {
			last := with.LastEventID()
			id = &last
		}
		adapter.Show(id, ev.Event(), ev.Data())
	}
}
