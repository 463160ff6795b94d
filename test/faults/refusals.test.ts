/** The kernel refuses one system call after the other to `lastcall run`, and the C library lacks one function after the other. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, type LastcallOptions, startLastcall } from "../helpers/lastcall.ts";
import { NUMBERS } from "../helpers/syscalls.ts";
import { until } from "../helpers/until.ts";

const preload = (name: string) => [
	"--disable-warning=ExperimentalWarning",
	"--import",
	join(import.meta.dirname, `../fixtures/${name}.ts`),
];

/** At the limit of descriptors, of memory, of processes; by a seccomp profile; by an old kernel. */
const ERRORS = ["EMFILE", "ENOMEM", "EAGAIN", "EPERM", "ENOSYS"];

/** Something of each kind: a thread, a process that leaves an orphan, and a thread that is late at the stop. */
const JOBS = {
	thread: { thread: fixture("waiting"), readiness: "notify" },
	late: { thread: fixture("deaf"), readiness: "notify", stopTimeout: "200ms" },
	process: {
		command: ["sh", "-c", '(true &); trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'],
		output: "log",
	},
};

/** Runs the jobs until all have started or it has ended, stops it, and returns what came of it. */
async function runAndStop(options: LastcallOptions) {
	await using lastcall = await startLastcall({ stopTimeout: "4s", jobs: JOBS }, options);
	const { lines } = lastcall;
	const patterns = [/"event":"job.ready","job":"thread"/, /"event":"job.ready","job":"late"/, /"msg":"up"/];
	await until(() => lines.ended || patterns.every((pattern) => pattern.test(lines.text)), "all have started");
	if (!lines.ended) lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	assert.equal(typeof code, "number", `it has crashed: ${code}\n${lines.text}`);
	assert.doesNotMatch(lines.text, /^\s+at /m, `a stack trace:\n${lines.text}`);
	const { report } = lastcall.event("stop.finished");
	return {
		code,
		text: lines.text,
		outcomes: Object.fromEntries(report.jobs.map(({ job, exit }) => [job, exit.outcome])),
	};
}

/** As if nothing was refused. */
const ALL_WELL = { thread: "finished", late: "killed", process: "exited" };

suite("a system call that the kernel refuses: lastcall run goes on, or ends with a message that names what could not be done", () => {
	/**
	 * Without these there is nothing to start, stop or read with: a job has not started, and the message is its error. Without kill(2) the
	 * process stays.
	 */
	const NEEDED: Readonly<Record<string, RegExp>> = {
		clone: /Job process could not start: .*: spawn .*E[A-Z]+/,
		clone3: /Job (thread|late) could not start: .*E[A-Z]+: no thread could be made/,
		dup3: /Job process could not start: .*: spawn .*E[A-Z]+/,
		kill: /Job process .*(still runs|not be|stuck|has not joined)/,
		pipe2: /Job (thread|late) could not start: .*E[A-Z]+: no thread could be made/,
		socketpair: /Job process could not start: .*: spawn .*E[A-Z]+/,
	};
	/** Node.js itself cannot open its program, glibc aborts, and no signal handler can be installed. */
	const NOT_OURS = ["openat", "futex", "rt_sigaction"];

	for (const call of Object.keys(NUMBERS[process.arch] ?? {}).filter((call) => !NOT_OURS.includes(call)))
		test(call, async () => {
			await Promise.all(
				ERRORS.map(async (error) => {
					const REFUSED = `${call} ${error}`;
					const { code, text, outcomes } = await runAndStop({ nodeFlags: preload("refuse"), env: { REFUSED } });
					const isWell = code === 124 && JSON.stringify(outcomes) === JSON.stringify(ALL_WELL);
					if (!isWell) assert.match(text, NEEDED[call] ?? /^$/, `${REFUSED}: ${code}`);
				}),
			);
		});
});

suite("a function that the C library lacks: lastcall run goes on", () => {
	test("each in turn, and all of them", async () => {
		using directory = makeDirectory();
		const LOOKED_UP = join(directory.path, "symbols");
		writeFileSync(LOOKED_UP, "");
		const nodeFlags = preload("hide-symbol");
		const run = (env: NodeJS.ProcessEnv) => runAndStop({ nodeFlags, env });
		assert.deepEqual((await run({ LOOKED_UP })).outcomes, ALL_WELL);
		const symbols = [...new Set(readFileSync(LOOKED_UP, "utf8").trim().split("\n"))];
		assert.ok(symbols.length > 20, `${symbols}`);
		for (const symbol of [...symbols, "*"]) {
			const { code, outcomes } = await run({ HIDDEN_SYMBOL: symbol });
			assert.deepEqual([code, outcomes], [124, ALL_WELL], symbol);
		}
	});
});
