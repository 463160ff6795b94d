// A server that has never heard of stop signals.
require("node:http")
	.createServer((_, response) => response.end("Hello\n"))
	.listen(8080, () => console.log("plain: listening"));
