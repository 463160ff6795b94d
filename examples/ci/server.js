// A server that answers what has begun, and then closes.
import { createServer } from "node:http";

const server = createServer((_, response) => setTimeout(() => response.end("Hello\n"), 50));
server.listen(process.env.PORT ?? 8080, () => console.log("server: listening"));
process.on("SIGTERM", () => server.close(() => console.log("server: closed")));
