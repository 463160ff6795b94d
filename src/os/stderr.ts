/**
 * Leaves standard error blocking for everybody else. Touching `process.stderr` makes a pipe or a socket non-blocking for
 * all who share it, and whoever writes to it directly then gets EAGAIN. Node.js itself touches it when it loads
 * node:assert (as pino does), or node:util as an ES module, to see whether it has colours. It looks once.
 */
export function keepStderrBlocking(): void {
	const stderr = Object.getOwnPropertyDescriptor(process, "stderr");
	if (!stderr) return;
	// Let it look while there is nothing to see.
	Object.defineProperty(process, "stderr", {
		value: undefined,
		configurable: true,
	});
	process.getBuiltinModule("node:assert");
	Object.defineProperty(process, "stderr", stderr);
}
