// The adapter of a browser's EventSource: Chromium without a window, driven over
// its debugging pipe.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { end, types, url } from "./adapter.js";

const profile = mkdtempSync(join(tmpdir(), "certify-chromium-"));
const browser = spawn(process.env.CHROMIUM ?? "chromium", [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
  "--disable-background-networking", "--disable-component-update", "--no-proxy-server", "--remote-debugging-pipe",
  `--user-data-dir=${profile}`,
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

process.on("exit", () => {
  browser.kill("SIGKILL");
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});
process.on("SIGTERM", () => process.exit(0));
browser.on("exit", () => end("the browser ended"));

// Messages of the debugging protocol end with a NUL.
const calls = new Map();
let sent = 0;
function call(method, params = {}, sessionId) {
  const id = ++sent;
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  return new Promise((resolve, reject) => calls.set(id, { resolve, reject }));
}

function receive(message) {
  if (message.id) {
    const { resolve, reject } = calls.get(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  } else if (message.method === "Runtime.bindingCalled") {
    const { payload } = message.params;
    payload === "closed" ? end("closed") : process.stdout.write(payload + "\n");
  }
}

let rest = [];
browser.stdio[4].on("data", (chunk) => {
  let nul;
  while ((nul = chunk.indexOf(0)) >= 0) {
    rest.push(chunk.subarray(0, nul));
    receive(JSON.parse(Buffer.concat(rest).toString()));
    rest = [];
    chunk = chunk.subarray(nul + 1);
  }
  rest.push(chunk);
});

// page runs in the browser.
function page(url, types) {
  const source = new EventSource(url);
  for (const type of ["message", ...types]) {
    source.addEventListener(type, (ev) => shown(JSON.stringify({ id: ev.lastEventId, type: ev.type, data: ev.data })));
  }
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) shown("closed");
  };
}

const { targetId } = await call("Target.createTarget", { url: "about:blank" });
const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
await call("Runtime.enable", {}, sessionId);
await call("Runtime.addBinding", { name: "shown" }, sessionId);
await call("Runtime.evaluate", { expression: `(${page})(${JSON.stringify(url)}, ${JSON.stringify(types)})` }, sessionId);
