// One job, started again and again: restart.mjs KIND PEERS PROGRAM. At SIGUSR2 the job is stopped, joined and started.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

const [kind, peers, program] = process.argv.slice(2);
const fileOf = (name) => new URL(name, import.meta.url);

/** Start a job, and return how it is stopped and joined. */
const KINDS = {
	"threads.mjs": () => thread("./wait-for-flag.mjs"),
	"threads.ts": () => thread("./wait-for-flag.ts"),
	child_process() {
		const child = spawn(program, [], { stdio: "inherit" });
		const exited = once(child, "exit");
		return () => {
			child.kill("SIGTERM");
			return exited;
		};
	},
	execa() {
		const child = execa(program, [], { stdio: "inherit", buffer: false, reject: false });
		return () => {
			child.kill("SIGTERM");
			return child;
		};
	},
	piscina() {
		const flag = new SharedArrayBuffer(4);
		const done = pool.run({ flag });
		return () => {
			raise(flag);
			return done;
		};
	},
	bree() {
		void bree.start("job");
		return () => bree.stop("job");
	},
};

function raise(flag) {
	Atomics.store(new Int32Array(flag), 0, 1);
	Atomics.notify(new Int32Array(flag), 0);
}

function thread(file) {
	const flag = new SharedArrayBuffer(4);
	const exited = once(new Worker(fileOf(file), { workerData: { flag } }), "exit");
	return () => {
		raise(flag);
		return exited;
	};
}

const requirePeer = createRequire(`${peers}/package.json`);
let execa;
let pool;
let bree;
let stopJob;

async function begin() {
	if (kind === "execa") ({ execa } = await import("execa"));
	if (kind === "piscina")
		pool = new (requirePeer("piscina").Piscina)({ filename: fileOf("./piscina-task.mjs").href, maxThreads: 1 });
	if (kind === "bree") {
		const jobs = [{ name: "job", path: fileOf("./bree-job.mjs").pathname }];
		bree = new (requirePeer("bree"))({ root: false, logger: false, jobs });
	}
	stopJob = await KINDS[kind]();
}

async function restart() {
	await stopJob();
	stopJob = await KINDS[kind]();
}

// Before the job says that it is there: the first request may come at once.
process.on("SIGUSR2", () => {
	cycles = cycles.then(restart);
});
setInterval(() => {}, 0x7fffffff);
let cycles = begin();
