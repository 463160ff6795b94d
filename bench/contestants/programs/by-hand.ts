// by-hand.mjs in TypeScript, for threads: by-hand.ts THREADS.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

interface Log {
	info(message: string): void;
}

export function serve(log: Log): void {
	const threads = Number(process.argv[2]);
	const exits: Promise<unknown>[] = [];
	const flag = new SharedArrayBuffer(4);
	let stopping = false;

	async function stop(): Promise<void> {
		if (stopping) return;
		stopping = true;
		Atomics.store(new Int32Array(flag), 0, 1);
		Atomics.notify(new Int32Array(flag), 0);
		await Promise.all(exits);
		log.info("Exiting main program");
		process.exit(0);
	}
	process.on("SIGTERM", stop);
	process.on("SIGINT", stop);

	const worker = new URL("./wait-for-flag.ts", import.meta.url);
	for (let count = 0; count < threads; count++) exits.push(once(new Worker(worker, { workerData: { flag } }), "exit"));
}

if (import.meta.main) serve(console);
