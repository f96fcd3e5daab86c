// The adapter of eventsource-client.
import { createEventSource } from "eventsource-client";

import { headers, show, url } from "./adapter.js";

// onMessage has the id of an event's own block; the client has the one in force.
const client = createEventSource({
  url,
  headers,
  onMessage: ({ event, data }) => show(client.lastEventId ?? "", event ?? "message", data),
  onDisconnect: () => {},
});
