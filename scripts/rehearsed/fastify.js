// Fastify, closed at the stop signal as its documentation says.
const app = require("fastify")();
app.get("/", () => "Hello\n");
process.on("SIGTERM", () => app.close().then(() => console.log("fastify: closed")));
app.listen({ port: 8080 }).then(() => console.log("fastify: listening"));
