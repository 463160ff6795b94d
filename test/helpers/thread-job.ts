/** A job's thread without an init around it: nobody gives it up, and a look at it may take as long as it needs. */
import type { ThreadSettings } from "../../src/config/schema.ts";
import { ThreadJob } from "../../src/job/thread.ts";
import { fixture } from "./lastcall.ts";
import { Lines } from "./lines.ts";
import { until } from "./until.ts";

/** Starts a job of test/fixtures/jobs, and waits until it is ready. Use with `await using`: its thread is ended at the end of the block. */
export async function startThreadJob(
	name: string,
	liveness?: ThreadSettings["liveness"],
): Promise<AsyncDisposable & { job: ThreadJob; lines: Lines }> {
	const lines = new Lines();
	let ready = false;
	const job = new ThreadJob(
		{ name, thread: fixture(name), env: process.env, logLevel: "info", liveness },
		{
			onReady: () => {
				ready = true;
			},
			onOutput(_stream, bytes, done) {
				lines.push(Buffer.from(bytes).toString());
				done();
			},
			onDropped: () => {},
			onLeaderGone: () => {},
		},
	);
	job.start();
	await until(() => ready, `thread ${name} is ready`);
	return {
		job,
		lines,
		async [Symbol.asyncDispose]() {
			job.kill();
			await job.exited;
		},
	};
}
