// A server that closes at its stop signal.
const { createServer } = require("node:http");

const server = createServer((_, response) => response.end("Hello\n")).listen(8080);
const stop = () => server.close(() => console.log("server: closed"));
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
console.log("server: listening");
