// The adapter of undici's EventSource, which takes no headers.
import { EventSource } from "undici";

import { follow, initial, url } from "./adapter.js";

follow(new EventSource(url, { node: { reconnectionTime: initial } }));
