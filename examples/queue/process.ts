/** A consumer as a program that knows nothing of lastcall: `node process.ts NAME`. */
import { consume } from "./consume.ts";

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

const [name = "process"] = process.argv.slice(2);
await consume({ name, signal: stop.signal, onReady: () => process.send?.("ready") });
