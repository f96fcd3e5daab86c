// The adapter of @microsoft/fetch-event-source, with the error handling that its
// README shows.
import { end, headers, show, url } from "./adapter.js";

// It is written for browsers.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { EventStreamContentType, fetchEventSource } = await import("@microsoft/fetch-event-source");

class FatalError extends Error {}

// onmessage has the id of an event's own block: the one in force can't be told.
fetchEventSource(url, {
  headers,
  async onopen(response) {
    if (response.ok && response.headers.get("content-type")?.startsWith(EventStreamContentType)) return;
    if (response.status >= 400 && response.status < 500 && response.status !== 429) throw new FatalError(response.status);
    throw new Error(response.status);
  },
  onmessage: ({ event, data }) => {
    if (data !== "" || event !== "") show(null, event || "message", data);
  },
  onclose() {
    throw new Error("closed");
  },
  onerror(error) {
    if (error instanceof FatalError) throw error;
  },
}).then(() => end(), end);
