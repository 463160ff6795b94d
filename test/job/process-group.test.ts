/** Jobs whose first process is not the one that works: `npm start`, `sh -c` and their like. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { program, shell } from "../helpers/programs.ts";
import { until } from "../helpers/until.ts";

const quote = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

/** A shell that dies of its stop signal at once, and what it waits for: that ends when the file is there. */
function wrapped(file: string): string[] {
	return shell(`${quote(program("holding.sh", "rest", file))} & wait`);
}

/** A worker that takes its time to go, and whose parent fails as soon as it runs. */
function crashing(folder: string): string[] {
	const up = join(folder, "up");
	const worker = `trap "sleep 0.2; echo gone; exit 0" TERM; echo up; : > ${up}; while :; do sleep 0.05; done`;
	return shell(`rm -f ${up}; sh -c '${worker}' & while ! [ -e ${up} ]; do sleep 0.05; done; exit 1`);
}

function linesOf({ lines }: Lastcall, ...words: string[]): string[] {
	return lines.all.filter((line) => words.includes(line));
}

test("ProcessJob has joined when nobody of its group is left, and what its first process leaves behind is asked, too", async () => {
	using folder = makeDirectory();
	const file = join(folder.path, "released");
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: { it: { command: wrapped(file) } } });
	await lastcall.lines.waitFor(/^rest: running$/);
	lastcall.kill("SIGTERM");
	// The first process has gone by then: it alone was asked before.
	await lastcall.lines.waitFor(/^rest: asked$/);
	assert.throws(() => lastcall.event("job.exited", "it"));
	writeFileSync(file, "");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^rest: clean shutdown$/m);
	const { report } = lastcall.event("stop.finished");
	assert.deepEqual(report.stragglers.found, []);
	assert.deepEqual(report.jobs[0]?.exit, { outcome: "signaled", signal: "SIGTERM", expected: true });
});

test("npm start: a server that finishes a request has the time for it", async () => {
	const server = `
		const hold = setInterval(() => {}, 1_000);
		process.on("SIGTERM", () => setTimeout(() => {
			console.log("server: clean shutdown");
			clearInterval(hold);
		}, 1_500));
		console.log("server: running");`;
	using folder = makeDirectory({
		"server.mjs": server,
		// The shell of npm has something to do after it, and so does not become it.
		"package.json": JSON.stringify({ scripts: { start: "node server.mjs; true" } }),
	});
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { web: { command: ["npm", "start"], cwd: folder.path } },
	});
	await lastcall.lines.waitFor(/^server: running$/);
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	assert.match(lastcall.lines.text, /^server: clean shutdown$/m);
	assert.equal(code, 0, lastcall.lines.text);
});

test("ProcessJob whose first process ends by itself is not ready any more, and has ended when the rest has", async () => {
	using folder = makeDirectory();
	const file = join(folder.path, "released");
	const crash = join(folder.path, "crash");
	const rest = quote(program("holding.sh", "rest", file));
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { it: { command: shell(`${rest} & while ! [ -e ${crash} ]; do sleep 0.05; done; exit 3`) } },
	});
	await lastcall.lines.waitFor(/^rest: running$/);
	writeFileSync(crash, "");
	await lastcall.lines.waitFor(/^rest: asked$/);
	// The log takes another way than the line of the rest.
	await lastcall.waitFor("job.leaderExited", "it");
	const event = lastcall.event("job.leaderExited", "it");
	assert.deepEqual(event.exit, { outcome: "exited", code: 3 });
	assert.ok(
		event.rest.some(({ command }) => command.includes("holding.sh")),
		JSON.stringify(event),
	);
	const status = await cli(["status", "--socket", lastcall.socket]);
	assert.match(status.stdout, /^it +stopping /m);
	assert.equal(status.code, 1);
	writeFileSync(file, "");
	assert.equal((await lastcall.exit()).code, 3, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^rest: clean shutdown$/m);
});

test("ProcessJob that fails is started again when its group is empty, never beside what is left of it", async () => {
	using folder = makeDirectory();
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { it: { command: crashing(folder.path), restart: "on-failure", restartDelay: "1ms", maxRestarts: 2 } },
	});
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	assert.deepEqual(linesOf(lastcall, "up", "gone"), [...["up", "gone", "up", "gone"], ...["up", "gone"]]);
});

test("lastcall restart and stop end the whole group first", async () => {
	using folder = makeDirectory();
	const up = join(folder.path, "up");
	const worker = `trap "sleep 0.2; echo gone; exit 0" TERM; echo up; : > ${up}; while :; do sleep 0.05; done`;
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			it: { command: shell(`sh -c '${worker}' & wait`), essential: false },
			main: { command: program("waiting.sh", "main") },
		},
	});
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	const ups = () => linesOf(lastcall, "up").length;
	await until(() => ups() === 1, "its worker is up");
	await until(async () => (await ask("restart", "it")).code === 0, "the socket is there");
	await until(() => ups() === 2, "its second worker is up");
	const { stdout } = await ask("stop", "it");
	assert.match(stdout, /^Job it has stopped after \d+ ms$/m);
	assert.deepEqual(linesOf(lastcall, "up", "gone"), [...["up", "gone", "up", "gone"]]);
	await lastcall.lines.waitFor(/^main: running$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("what is left of a group beyond the job's stop timeout is killed and named", async () => {
	const deaf = quote(program("deaf.sh"));
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { it: { command: shell(`${deaf} & wait`), stopTimeout: "300ms" } },
	});
	await lastcall.lines.waitFor(/^deaf: running$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124, lastcall.lines.text);
	const { report } = lastcall.event("stop.finished");
	assert.deepEqual(report.stragglers.found, []);
	const [stop] = report.jobs;
	assert.equal(stop?.exit.outcome, "killed");
	const where = stop?.killed?.where;
	assert.ok(where?.type === "process", JSON.stringify(stop));
	const all = [where, ...where.others].map(({ command }) => command);
	assert.equal(all.length, 2, all.join("\n"));
	assert.match(all.join("\n"), /deaf\.sh/);
	assert.match(all.join("\n"), /sleep 1000/);
});

test("the outcome of a job is its first process's, also when the rest had to be killed", async () => {
	const deaf = quote(program("deaf.sh"));
	await using lastcall = await startLastcall({
		jobs: {
			it: {
				// It ends when the deaf one has said that it runs.
				command: shell(`(${deaf} &) | grep -m1 'deaf: running'`),
				stopTimeout: "300ms",
			},
		},
	});
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.deepEqual(lastcall.event("job.exited", "it").exit, { outcome: "exited", code: 0 });
	lastcall.event("job.killed", "it");
});
