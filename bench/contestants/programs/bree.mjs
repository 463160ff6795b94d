// Bree as its manual has it: bree.mjs BREE THREADS.
import { createRequire } from "node:module";

const [path, threads] = process.argv.slice(2);
const Bree = createRequire(import.meta.url)(path);
const bree = new Bree({
	root: false,
	jobs: Array.from({ length: Number(threads) }, (_, index) => ({
		name: `job-${index}`,
		path: new URL("./bree-job.mjs", import.meta.url).pathname,
	})),
});

async function stop() {
	await bree.stop();
	process.exit(0);
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
await bree.start();
