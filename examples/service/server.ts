/** A server as it always was, but for `drain()`: at SIGTERM it answers what is on its way, and ends. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { drain } from "lastcall";

const port = Number(process.env.PORT);
const server = createServer(async (_request, response) => {
	await sleep(20);
	response.end("Hello\n");
});
server.listen(port, () => console.log(`Listening on port ${port}`));

process.on("SIGTERM", async () => {
	await drain(server);
	console.log("Answered the last request");
});
