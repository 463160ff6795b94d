/** The same command lines through dumb-init and through us by its name. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { BINDINGS } from "../helpers/bindings.ts";
import {
	type Init,
	type InitOptions,
	needs,
	ours,
	program,
	type RunningInit,
	runInit,
	startInit,
	withoutPids,
} from "../helpers/inits.ts";
import { until } from "../helpers/until.ts";
import { isUp } from "../helpers/up.ts";

const SIGSYS = 31;

const GROUPS = "ps -o pid=,ppid=,pgid=,sid= -p $$ | tr -s ' ' | sed \"s/\\b$$\\b/self/g\"";

/** Name of the case, arguments, where they run. */
const same: readonly [string, string[], InitOptions?][] = [
	["an exit code", ["sh", "-c", "exit 3"]],
	["a program that a signal ended", ["sh", "-c", "kill -TERM $$"]],
	["a missing program", ["/nonexistent"]],
	["a directory", ["/tmp"]],
	["no program", []],
	["no program behind --", ["--"]],
	["an unknown flag", ["-x", "true"]],
	["an unknown flag in a cluster", ["-cvx", "true"]],
	["an unknown long flag", ["--foo", "true"]],
	["-r without a value", ["-r"]],
	["--rewrite without a value", ["--rewrite"]],
	["--rewrite cut short, without a value", ["--rew"]],
	["-r 99:1", ["-r", "99:1", "true"]],
	["-r 0:1", ["-r", "0:1", "true"]],
	["-r 1:32", ["-r", "1:32", "true"]],
	["-r x:1", ["-r", "x:1", "true"]],
	["--single with an argument", ["--single-child=1", "true"]],
	["a long flag cut short with an argument", ["--verb=1", "true"]],
	["a long flag cut too short", ["--ver", "true"]],
	["a long flag without a name", ["--=1", "true"]],
	["a long flag cut short", ["--sing", "sh", "-c", GROUPS]],
	["arguments of the program's own", ["printf", "<%s>", "-c", "--", "-r"]],
	["the session of its own", ["sh", "-c", GROUPS]],
	["-c: our session and group", ["-c", "sh", "-c", GROUPS]],
	["DUMB_INIT_SETSID=0", ["sh", "-c", GROUPS], { env: { DUMB_INIT_SETSID: "0" } }],
	["the directory of the program", ["pwd"], { cwd: "/usr" }],
	["-r 15:3", ["-r", "15:3", "sh", "-c", "trap 'exit 33' QUIT; kill -TERM 1; while :; do :; done"]],
	["--rewrite=15:3", ["--rewrite=15:3", "sh", "-c", "trap 'exit 33' QUIT; kill -TERM 1; while :; do :; done"]],
	[
		"-r 15:0 drops",
		[
			"-r",
			"15:0",
			"sh",
			"-c",
			// Of two that wait the kernel delivers the lower number first: what comes behind tells that nothing came before.
			"trap 'exit 33' TERM; trap 'exit 4' WINCH; kill -TERM 1; kill -WINCH 1; while :; do sleep 0.01; done",
		],
	],
	[
		"the end of the program's group",
		[
			"sh",
			"-c",
			"trap 'exit 0' USR1; (trap 'echo ended; exit' TERM; kill -USR1 $$; while :; do :; done) & while :; do sleep 0.01; done",
		],
		// As PID 1 its end is the end of all, and who is faster decides.
		{ asInit: false },
	],
	["all that -v says in single-child mode", ["-cv", "sh", "-c", "sleep 0.5; exit 3"]],
	["outside PID 1", ["sh", "-c", "exit 3"], { asInit: false }],
];

suite("as dumb-init", needs("dumb-init"), () => {
	for (const [name, args, options] of same) {
		test(name, async () => {
			const [expected, found] = await Promise.all([
				runInit(["dumb-init"], args, options),
				runInit(ours("dumb-init"), args, options),
			]);
			assert.deepEqual(withoutPids(found), withoutPids(expected));
		});
	}

	test("signals reach the whole group, the real-time ones and those of a fault too", async () => {
		const FAULTS = [4, 5, 6, 7, 8, 11, 31];
		const OTHERS = [1, 2, 3, 10, 12, 13, 14, 18, 23, 28, 30, 34, 40, 64];
		const SENT = [...FAULTS, ...OTHERS, ...FAULTS];
		const [expected, found] = await Promise.all([received(["dumb-init"], SENT), received(ours("dumb-init"), SENT)]);
		assert.deepEqual(found, expected);
		assert.deepEqual(found, SENT);
	});

	test("a burst of SIGSEGV does not end an init that is not PID 1", async () => {
		await using running = await startInit(ours("dumb-init"), program("listen"), { asInit: false });
		await running.stdout.waitFor(/^ready$/);
		await listens(running);
		await running.kill(...Array.from({ length: 200 }, () => 11));
		await running.stdout.waitFor(/^11$/);
		await running.kill("SIGTERM");
		assert.equal(await running.exit(), 0);
	});

	test("a fault of its own ends the init, also after one that was sent", async () => {
		const fault = join(import.meta.dirname, "../fixtures/fault.ts");
		for (const [name, flags] of BINDINGS) {
			const init = ours("dumb-init", { nodeFlags: [...flags, "--import", fault] });
			await using running = await startInit(init, program("listen"));
			await running.stdout.waitFor(/^ready$/);
			await listens(running);
			await running.kill("SIGSEGV");
			await running.stdout.waitFor(/^11$/);
			await running.kill("SIGUSR2");
			assert.equal(await running.exit(), "SIGSEGV", name);
		}
	});

	test("SIGTSTP, SIGTTIN and SIGTTOU stop the program", async () => {
		for (const signal of ["SIGTSTP", "SIGTTIN", "SIGTTOU"] as const) {
			await using running = await startInit(ours("dumb-init"), ["-v", ...program("listen")]);
			await running.stdout.waitFor(/^ready$/);
			await running.kill(signal);
			await running.stderr.waitFor(/Translating signal \d+ to 19/);
			await running.stderr.waitFor(/Forwarded signal 19 to children/);
		}
	});

	test("-h and -V go to stderr and end with 0", async () => {
		for (const flag of ["-h", "--help", "-V", "--version"]) {
			const found = await runInit(ours("dumb-init"), [flag]);
			assert.equal(found.code, 0);
			assert.equal(found.stdout, "");
			assert.match(found.stderr, /^dumb-init v1\.2\.5\n/);
		}
	});

	// dumb-init itself leaves the directory after the start, and on a busy machine a program sees it there still.
	test("the init's directory is / before the program can look", async () => {
		const { stdout } = await runInit(ours("dumb-init"), ["readlink", "/proc/1/cwd"]);
		assert.equal(stdout, "/\n");
	});
});

/** The init starts the program, then listens; to SIGSYS last. */
function listens(running: RunningInit): Promise<void> {
	return until(() => isUp(running.pid, SIGSYS), "the init listens");
}

/** What the program receives of signals that are sent one after the other. */
async function received(init: Init, signals: readonly number[]): Promise<number[]> {
	await using running = await startInit(init, program("listen"));
	const { stdout } = running;
	await stdout.waitFor(/^ready$/);
	if (init[0] !== "dumb-init") await listens(running);
	for (const signal of signals) {
		const before = stdout.all.length;
		await running.kill(signal);
		await until(() => stdout.all.length > before, `${signal} arrives`);
	}
	return stdout.all.slice(1).map(Number);
}
