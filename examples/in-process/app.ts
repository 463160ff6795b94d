/** A web server that is PID 1 of its container: `node --import lastcall/register app.ts`. */
import { createServer } from "node:http";
import { drain, onStop } from "lastcall";

const store = new Map<string, number>();
// Opened first, so stopped last: the server may need it until its last answer.
onStop("store", () => console.log(`store closed with ${store.size} entries`));

const server = createServer((request, response) => {
	const url = request.url ?? "/";
	const visits = (store.get(url) ?? 0) + 1;
	store.set(url, visits);
	response.end(`${url}: ${visits}\n`);
});
server.listen(Number(process.env.PORT ?? 8080), () => {
	console.log(`listening on ${JSON.stringify(server.address())}`);
});
onStop("http", ({ signal }) => drain(server, { signal }), { timeout: "5s" });
