/** A server as it always was: it knows nothing of lastcall, and stops on SIGTERM. */
import { createServer } from "node:http";

const port = Number(process.env.PORT);
const server = createServer((_request, response) => response.end("Hello\n"));
server.listen(port, () => console.log(`Listening on port ${port}`));

process.on("SIGTERM", () => {
	server.close(() => console.log("Answered the last request"));
	server.closeIdleConnections();
});
