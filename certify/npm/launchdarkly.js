// The adapter of launchdarkly-eventsource.
import { EventSource } from "launchdarkly-eventsource";

import { follow, headers, idle, initial, url } from "./adapter.js";

follow(new EventSource(url, {
  headers,
  initialRetryDelayMillis: initial,
  maxBackoffMillis: 30000,
  jitterRatio: 0.5,
  retryResetIntervalMillis: 1,
  readTimeoutMillis: idle,
  errorFilter: (error) => error.status !== 204,
}));
