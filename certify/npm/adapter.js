// What the adapters have in common: what the suite tells a client, and how it
// wants to see events.

export const url = process.argv[process.argv.length - 1];
export const token = process.env.SSE_CERTIFY_TOKEN;
export const types = JSON.parse(process.env.SSE_CERTIFY_TYPES ?? "[]");
export const initial = Number(process.env.SSE_CERTIFY_INITIAL);
export const idle = Number(process.env.SSE_CERTIFY_IDLE);
export const headers = { Authorization: `Bearer ${token}` };

// show prints an event. id is the last event ID in force; null: the client does
// not tell.
export function show(id, type, data) {
  process.stdout.write(JSON.stringify({ id, type, data }) + "\n");
}

// end ends the process with what ended the stream.
export function end(error) {
  if (error) console.error(String(error));
  process.stdout.write("", () => process.exit(error ? 1 : 0));
}

// follow shows the events of what has the API of a browser's EventSource.
export function follow(source) {
  for (const type of ["message", ...types]) {
    source.addEventListener(type, (ev) => show(ev.lastEventId, ev.type, ev.data));
  }
  source.addEventListener("error", (ev) => {
    if (source.readyState === 2) end(ev.message ?? "closed");
  });
}

process.stdin.on("end", () => process.exit(0)).resume();
