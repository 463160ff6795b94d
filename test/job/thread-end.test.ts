/** Threads whose function has ended while Node.js could not end the thread: a read in libuv's pool waits for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { freePort } from "../helpers/ports.ts";
import { program } from "../helpers/programs.ts";
import { until } from "../helpers/until.ts";

const poolWork = (data: string) => ({ thread: fixture("pool-work"), readiness: "notify", data });

for (const [data, exit] of [
	["throws", /^failed: Error: no such queue$/],
	["rejects", /^failed: Error: nobody awaits me$/],
	["exits", /^exited: 3$/],
] as const)
	test(`ThreadJob that ends with work in libuv's pool (${data}) has ended at once, with its outcome`, async () => {
		await using lastcall = await startLastcall({
			stopTimeout: "1h",
			jobs: { it: poolWork(data), other: { thread: fixture("waiting"), readiness: "notify" } },
		});
		const { code } = await lastcall.exit();
		const event = lastcall.event("job.exited", "it").exit;
		const words = "error" in event ? `${event.error.name}: ${event.error.message}` : "code" in event && event.code;
		assert.match(`${event.outcome}: ${words}`, exit);
		assert.equal(code, data === "exits" ? 3 : 1, lastcall.lines.text);
		assert.match(lastcall.lines.text, /^exit listener$/m);
		assert.match(lastcall.lines.text, /^other: clean shutdown$/m);
	});

test("a stop does not wait for work in libuv's pool, and is a clean one", async () => {
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: { it: poolWork("stops") } });
	await lastcall.waitFor("job.ready", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^exit listener$/m);
	const { exit } = lastcall.event("job.exited", "it");
	assert.deepEqual(exit, { outcome: "finished" });
});

test("jobs that hold every thread of libuv's pool keep no line of the log from a socket", async () => {
	// As many as the pool has by default.
	const names = ["a", "b", "c", "d"];
	await using lastcall = await startLastcall({
		stopTimeout: "10s",
		jobs: Object.fromEntries(names.map((name) => [name, poolWork("stops")])),
	});
	for (const name of names) await lastcall.waitFor("job.ready", name);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	assert.match(lastcall.lines.text, /"event":"stop.finished"/);
});

test("lastcall restart does not wait for such a thread; it is named, and there is never a second one beside the job", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { it: { ...poolWork("stops"), essential: false }, main: { command: program("waiting.sh", "main") } },
	});
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await lastcall.waitFor("job.ready", "it");
	await until(async () => (await ask("status")).code === 0, "the socket is there");
	assert.equal((await ask("restart", "it")).stdout, "Job it is ready\n");
	await lastcall.waitFor("job.leftOver", "it");
	const refused = await ask("restart", "it");
	assert.equal(refused.code, 1, refused.stdout);
	assert.match(refused.stderr, /Cannot restart it: its last run has not gone/);
	await lastcall.lines.waitFor(/^main: running$/);
	lastcall.kill("SIGTERM");
	await lastcall.exit();
});

test("a job that ignores its stop request is killed when it was not ready in time, and its restart never runs beside it", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "2s",
		jobs: {
			it: {
				// Which a process ignores by default.
				command: ["sleep", "1000"],
				stopSignal: "SIGWINCH",
				readiness: "notify",
				startTimeout: "100ms",
				restart: "on-failure",
				restartDelay: "1ms",
				maxRestarts: 1,
			},
		},
	});
	assert.notEqual((await lastcall.exit()).code, 0);
	const ends = lastcall.events.filter(({ type }) => type === "job.killed");
	assert.equal(ends.length, 2, lastcall.lines.text);
});

test("what a parked thread has open is closed: what it depends on finds no client of it", async () => {
	const port = await freePort();
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			// It ends when nobody is connected any more.
			database: {
				command: [
					process.execPath,
					"-e",
					`const server = require("node:net").createServer((client) => client.resume().on("error", () => {}));
					server.listen(${port}, "127.0.0.1", () => console.log("listening"));
					process.on("SIGTERM", () => server.close(() => { console.log("database: closed"); process.exit(0); }));`,
				],
				readiness: { tcp: `127.0.0.1:${port}` },
			},
			client: { thread: fixture("connecting"), readiness: "notify", data: port, dependsOn: ["database"] },
		},
	});
	await lastcall.waitFor("job.ready", "client");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^database: closed$/m);
});
