// The two jobs of examples/jobs as a careful author writes them, in the same language: one flag, every thread asked and joined.
// "naive" leaves the signal to Node.js.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const flag = new Int32Array(new SharedArrayBuffer(4));
const workers = ["counter", "heartbeat"].map(
	(name) => new Worker(new URL(`./${name}.mts`, import.meta.url), { workerData: flag }),
);
const exits = workers.map((worker) => once(worker, "exit"));

async function stop(): Promise<void> {
	Atomics.store(flag, 0, 1);
	Atomics.notify(flag, 0);
	await Promise.all(exits);
	console.log("Exiting main program");
	process.exit(0);
}

if (process.argv[2] !== "naive") for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
await Promise.all(workers.map((worker) => once(worker, "message")));
console.log("Both jobs have started");
