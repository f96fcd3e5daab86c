// The adapter of undici's EventSource, which takes no headers.
import { EventSource } from "undici";

import { follow, url } from "./adapter.js";

follow(new EventSource(url));
