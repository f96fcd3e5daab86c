// The adapter of eventsource.
import { EventSource } from "eventsource";

import { follow, headers, url } from "./adapter.js";

follow(new EventSource(url, {
  maxBufferSize: 10 << 20,
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
}));
