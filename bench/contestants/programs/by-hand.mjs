// What a careful author writes: by-hand.mjs THREADS PROCESSES PROGRAM. Raises every flag, signals every process, joins all of them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export function serve(log) {
	const [threads, processes, program] = process.argv.slice(2);
	const members = [];
	const flag = new SharedArrayBuffer(4);
	let stopping = false;

	async function stop() {
		if (stopping) return;
		stopping = true;
		Atomics.store(new Int32Array(flag), 0, 1);
		Atomics.notify(new Int32Array(flag), 0);
		for (const member of members) if ("pid" in member) member.kill("SIGTERM");
		await Promise.all(members.map((member) => member.exited));
		log.info("Exiting main program");
		process.exit(0);
	}
	process.on("SIGTERM", stop);
	process.on("SIGINT", stop);

	function join(member) {
		member.exited = once(member, "exit");
		members.push(member);
	}
	const worker = new URL("./wait-for-flag.mjs", import.meta.url);
	for (let count = 0; count < Number(threads); count++) join(new Worker(worker, { workerData: { flag } }));
	for (let count = 0; count < Number(processes); count++) join(spawn(program, [], { stdio: "inherit" }));
}

if (import.meta.main) serve(console);
