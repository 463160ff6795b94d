/** Functions in a process of their own, as PID 1 of a PID namespace: the files of thread jobs run unchanged. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attempt } from "../../src/base/errors.ts";
import type { JobExit } from "../../src/job/job.ts";
import type { Way } from "../fixtures/jobs/ways.ts";
import { BINDINGS, WITHOUT_BINDING } from "../helpers/bindings.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { openFifo } from "../helpers/fifo.ts";
import { childrenOf } from "../helpers/inits.ts";
import { fixture, type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { program, shell } from "../helpers/programs.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

const WAYS: Way[] = ["isSet", "wait", "raised", "signal", "late signal"];

/** The kernel's pid of a job's process, which is the only child of the init. */
async function pidOf(lastcall: Lastcall): Promise<number> {
	await until(() => childrenOf(lastcall.pid).length > 0, "the process is there");
	return childrenOf(lastcall.pid)[0] as number;
}

for (const [binding, flags] of BINDINGS)
	for (const way of WAYS)
		test(`ProcessJob of a function (${binding}) that waits by ${way} sees its flag, and gets no signal`, async () => {
			await using lastcall = await startLastcall(
				// SIGKILL: its outcome would show it.
				{ jobs: { it: { process: fixture("ways"), data: { way }, stopSignal: "SIGKILL", readiness: "notify" } } },
				{ env: { NODE_OPTIONS: flags.join(" ") } },
			);
			await lastcall.waitFor("job.ready", "it");
			const stat = `/proc/${await pidOf(lastcall)}/stat`;
			if (way === "wait") await until(() => /\) S /.test(readFileSync(stat, "utf8")), "it sleeps");
			lastcall.kill("SIGTERM");
			assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
			assert.deepEqual(lastcall.event("job.exited", "it").exit, { outcome: "finished" });
			assert.match(lastcall.lines.text, /^it: true$/m);
			assert.equal(lastcall.event("init.started").binding, binding);
		});

test("ProcessJob of a function waits no longer than it says, and returns whether its flag is raised", async () => {
	const ways = ["wait", "raised"] as const;
	const jobs = ways.map((way) => [way, { process: fixture("ways"), data: { way, ms: 50 }, essential: false }]);
	const late = ways.map((way) => [`late-${way}`, { process: fixture("ways"), data: { way, ms: 3_600_000 } }]);
	await using lastcall = await startLastcall({ jobs: Object.fromEntries([...jobs, ...late]) });
	for (const way of ways) {
		await lastcall.lines.waitFor(new RegExp(`^${way}: false, in time: true$`));
		await lastcall.waitFor("job.exited", way);
	}
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	for (const way of ways) assert.match(lastcall.lines.text, new RegExp(`^late-${way}: true, in time: false$`, "m"));
});

test("a function has the same outcomes in a process as in a thread, with the same errors", async () => {
	const files = ["throwing", "verbose", "rejecting", "exiting", "returning", "nothing", "broken", "pool-work"];
	const job = { essential: false, data: undefined };
	const jobs = files.flatMap((name) => [
		[`thread-${name}`, { ...job, thread: fixture(name), ...(name === "pool-work" && { data: "throws" }) }],
		[`process-${name}`, { ...job, process: fixture(name), ...(name === "pool-work" && { data: "throws" }) }],
	]);
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: Object.fromEntries(jobs) });
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	const exitOf = (name: string) => lastcall.event("job.exited", name).exit;
	for (const name of files) {
		const [thread, own] = [exitOf(`thread-${name}`), exitOf(`process-${name}`)];
		assert.deepEqual(withoutStack(own), withoutStack(thread), name);
		const places = [thread, own].map((exit) => /\S*\/jobs\/\S+:\d+:\d+/.exec(stackOf(exit))?.[0]);
		assert.equal(places[1], places[0], name);
	}
	assert.match(stackOf(exitOf("process-throwing")), /throwing\.ts:2:8/);
});

const stackOf = (exit: JobExit) => ("error" in exit && exit.error.stack) || "";

function withoutStack(exit: JobExit): unknown {
	if (!("error" in exit)) return exit;
	const { stack: _, message, ...error } = exit.error;
	return { ...exit, error: { ...error, message: message.replace(/(thread|process)-/, "") } };
}

test("a function that lets the abort of its raised flag escape has finished; for another reason it has failed", async () => {
	const ways = ["bare", "reason", "cause", "other"];
	const jobs = ways.map((data) => [data, { process: fixture("aborting"), data, readiness: "notify" }]);
	await using lastcall = await startLastcall({ jobs: Object.fromEntries(jobs) });
	for (const way of ways) await lastcall.waitFor("job.ready", way);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	const outcomes = ways.map((way) => lastcall.event("job.exited", way).exit.outcome);
	assert.deepEqual(outcomes, ["finished", "finished", "finished", "failed"]);
	assert.equal(lastcall.lines.all.filter((line) => line === "cleaned up").length, 4);
});

test("a function in a process gets name, id, a copy of its data, its environment, and a logger that names it", async () => {
	const data = "{queue: new Map([['a', 1n]]), since: new Date(0), bytes: new Uint8Array([1, 2])}";
	const job = `{process: ${JSON.stringify(fixture("given"))}, data: ${data}, env: {ONLY_HERE: "yes"}}`;
	await using lastcall = await startLastcall(`export default {jobs: {curious: ${job}}};`, {
		env: { FROM_OUTSIDE: "too" },
	});
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const line = lastcall.lines.all.find((text) => text.includes('"given"')) ?? lastcall.lines.text;
	const { time: _, ...record } = JSON.parse(line);
	assert.deepEqual(record, {
		...{ level: "info", job: "curious", id: lastcall.event("job.started", "curious").id },
		data: "Map(1) { 'a' => 1n } 1970-01-01T00:00:00.000Z Uint8Array(2) [ 1, 2 ]",
		env: ["yes", "too"],
		// Neither it nor its children know the flag's descriptors, nor have them.
		variables: [],
		memories: "0",
		msg: "given",
	});
});

test("a function in a process may be CommonJS or an ES module, in TypeScript or JavaScript, whatever its package", async () => {
	using project = makeDirectory({
		"package.json": '{"type": "commonjs"}',
		"a.mjs": "export default ({name}) => console.log(name + ': at work');",
		"b.ts": "export default ({name}: {name: string}) => console.log(name + ': at work');",
		"c.cjs": "module.exports = ({name}) => console.log(name + ': at work');",
	});
	const files = ["a.mjs", "b.ts", "c.cjs"].map((file) => join(project.path, file));
	files.push(fixture("compiled").replace(/ts$/, "cjs"));
	const jobs = files.map((process, index) => [`job${index}`, { process, essential: false }]);
	await using lastcall = await startLastcall({ jobs: Object.fromEntries(jobs) });
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	for (const index of files.keys()) assert.match(lastcall.lines.text, new RegExp(`^job${index}: at work$`, "m"));
});

test("a function that crashes its process, or fills its heap, harms nobody else", async () => {
	using folder = makeDirectory({ "crashing.mjs": "export default () => process.abort();" });
	const crashing = join(folder.path, "crashing.mjs");
	const resourceLimits = { maxOldGenerationSizeMb: 20, maxYoungGenerationSizeMb: 3 };
	await using lastcall = await startLastcall({
		jobs: {
			good: { process: fixture("waiting"), readiness: "notify" },
			crashing: { process: crashing, essential: false, dependsOn: ["good"] },
			hungry: { process: fixture("hungry"), essential: false, resourceLimits, dependsOn: ["good"] },
		},
	});
	for (const name of ["crashing", "hungry"]) {
		await lastcall.waitFor("job.exited", name);
		assert.deepEqual(lastcall.event("job.exited", name).exit, { outcome: "signaled", signal: "SIGABRT" });
	}
	lastcall.kill("SIGTERM");
	await lastcall.exit();
	assert.match(lastcall.lines.text, /^good: clean shutdown$/m);
});

test("a function that breaks what its process shares with the init harms only itself", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "10s",
		jobs: {
			it: { process: fixture("breaking-flag"), data: "wait", readiness: "notify" },
			spinning: { process: fixture("breaking-flag"), data: "spin", readiness: "notify", stopTimeout: "500ms" },
			good: { process: fixture("waiting"), readiness: "notify" },
		},
	});
	for (const name of ["it", "spinning", "good"]) await lastcall.waitFor("job.ready", name);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124, lastcall.lines.text);
	const { text } = lastcall.lines;
	assert.equal(text.match(/^sealed: EPERM$/gm)?.length, 4);
	assert.match(text, /^good: clean shutdown$/m);
	// The flag looks as if nobody had mapped it: the stop signal comes instead.
	assert.match(text, /^breaking-flag: clean shutdown$/m);
	assert.equal(lastcall.event("job.exited", "spinning").exit.outcome, "killed");
	assert.equal(text.match(/"event":"job.ready","job":"it"/g)?.length, 1);
	const { bytes } = lastcall.event("job.outputDropped", "it");
	assert.ok(bytes > 3_000_000, String(bytes));
});

test("a function that is stopped before its process has mapped the flag has not begun, and that is no failure", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { process: fixture("waiting") } } });
	await lastcall.waitFor("job.started", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("a function in a suspended process is asked to stop, and its process goes on", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { process: fixture("waiting"), readiness: "notify" } } });
	await lastcall.waitFor("job.ready", "it");
	const pid = await pidOf(lastcall);
	process.kill(pid, "SIGSTOP");
	await until(() => /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), "it is suspended");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^it: clean shutdown$/m);
});

test("a function whose process gets the stop signal from somebody else sees its flag raised", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { process: fixture("waiting"), readiness: "notify" } } });
	await lastcall.waitFor("job.ready", "it");
	process.kill(await pidOf(lastcall), "SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.deepEqual(lastcall.event("job.exited", "it").exit, { outcome: "finished" });
	assert.match(lastcall.lines.text, /^it: clean shutdown$/m);
});

test("a function in a process loses no line that it printed or logged before it returned", async () => {
	using folder = makeDirectory({
		"printing.mjs": `export default ({log}) => {
			for (let line = 1; line <= 10_000; line++) { console.log("printed " + line); log.info("logged " + line); }
		};`,
	});
	const job = { process: join(folder.path, "printing.mjs"), essential: false };
	await using lastcall = await startLastcall({ jobs: { direct: job, piped: { ...job, output: "log" } } });
	assert.equal((await lastcall.exit()).code, 0);
	const { all } = lastcall.lines;
	assert.equal(all.filter((line) => line.startsWith("printed ")).length, 10_000);
	assert.equal(all.filter((line) => line.includes('"msg":"printed ')).length, 10_000);
	assert.equal(all.filter((line) => line.includes('"msg":"logged ')).length, 20_000);
});

test("a function that logs without end waits for a slow reader, which does not delay its stop", async () => {
	using fifo = openFifo();
	using folder = makeDirectory({
		"logging.mjs": 'export default ({flag, log}) => { while (!flag.isSet) log.info("x".repeat(99)); };',
	});
	const job = { process: join(folder.path, "logging.mjs") };
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: { it: job } }, { stdout: fifo.writer });
	const pid = await pidOf(lastcall);
	// Node.js gives its main thread a name while it starts.
	const name = () => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
	await until(() => name().endsWith("MainThread"), "Node.js has started");
	await untilBlocked(pid, name());
	lastcall.kill("SIGTERM");
	// Or it would wait for its reader for most of an hour.
	assert.equal((await lastcall.exit()).code, 0);
});

test("a function in a process without a binding is asked by its stop signal, and the log says what is missing", async () => {
	await using lastcall = await startLastcall(
		{ jobs: { it: { process: fixture("waiting"), readiness: "notify" } } },
		{ env: { NODE_OPTIONS: WITHOUT_BINDING.join(" ") } },
	);
	await lastcall.waitFor("job.ready", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.deepEqual(lastcall.event("job.exited", "it").exit, { outcome: "finished" });
	assert.match(lastcall.lines.text, /^it: clean shutdown$/m);
	assert.match(lastcall.lines.text, /"level":"warn".*"job":"it".*No shared flag: neither node:ffi nor koffi loads/);
});

test("a program with flag: true is asked by its flag if it looks at it, by its stop signal if it does not", async () => {
	// printf and dd write the word `mapped`, the read wakes at the byte, od shows the flag.
	const looking = shell(`trap 'echo "got a signal"' TERM
		printf '\\1\\0\\0\\0' | dd of=/proc/self/fd/$LASTCALL_FLAG_FD bs=4 seek=4 conv=notrunc 2>/dev/null
		echo looking
		read -r line <&$LASTCALL_WAKE_FD
		echo "flag$(od -A n -t d4 -j 8 -N 4 /proc/self/fd/$LASTCALL_FLAG_FD)"`);
	await using lastcall = await startLastcall({
		jobs: {
			looking: { command: looking, flag: true },
			other: { command: program("waiting.sh", "other"), flag: true },
			none: { command: shell('echo "none: $LASTCALL_FLAG_FD$LASTCALL_WAKE_FD"; exec sleep 1000') },
		},
	});
	for (const line of [/^looking$/, /^other: running$/, /^none: $/]) await lastcall.lines.waitFor(line);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const { text } = lastcall.lines;
	assert.match(text, /^flag +1$/m);
	assert.doesNotMatch(text, /got a signal/);
	assert.deepEqual(lastcall.event("job.exited", "looking").exit, { outcome: "exited", code: 0 });
});

test("the init keeps nothing of a function's process that has ended open", async () => {
	const job = {
		process: fixture("returning"),
		restart: "always",
		restartDelay: "1ms",
		maxRestarts: 5,
		essential: false,
	};
	await using lastcall = await startLastcall({
		jobs: { it: job, good: { process: fixture("waiting"), readiness: "notify" } },
	});
	await until(() => lastcall.events.filter(({ type }) => type === "job.exited").length === 6, "six runs have ended");
	// Five are the init's own and those of the job that runs; each run had two.
	const sockets = readdirSync(`/proc/${lastcall.pid}/fd`).filter((fd) =>
		attempt(() => readlinkSync(`/proc/${lastcall.pid}/fd/${fd}`))?.startsWith("socket:"),
	);
	assert.ok(sockets.length < 12, `${sockets.length} sockets`);
	lastcall.kill("SIGTERM");
	await lastcall.exit();
});
