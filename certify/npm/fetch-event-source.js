// The adapter of @microsoft/fetch-event-source.
import { end, headers, show, url } from "./adapter.js";

// It is written for browsers.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

// onmessage has the id of an event's own block: the one in force can't be told.
fetchEventSource(url, {
  headers,
  onmessage: ({ event, data }) => {
    if (data !== "" || event !== "") show(null, event || "message", data);
  },
}).then(() => end(), end);
