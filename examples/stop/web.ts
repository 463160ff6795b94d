/** A server that has a slow request in hand when the stop comes, and answers it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { drain, onStop } from "lastcall";

const SHARE = 0.2;

let deadlineMs = 1_000;
const server = createServer(async (_request, response) => {
	await stopping.promise;
	await sleep(deadlineMs * SHARE);
	response.end("Thank you\n");
});
const stopping = Promise.withResolvers<void>();
await once(server.listen(0, "127.0.0.1"), "listening");
onStop("http", async ({ deadline, signal }) => {
	deadlineMs = deadline.remainingMs;
	stopping.resolve();
	await drain(server, { signal });
});

const { port } = server.address() as AddressInfo;
const answer = fetch(`http://127.0.0.1:${port}/`);
await once(server, "request");
process.send?.("ready");
console.log(`web: ${await (await answer).text()}`);
