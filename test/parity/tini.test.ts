/** The same command lines through tini and through us by its name: same output, same exit code. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type InitOptions, LEAVE_ORPHAN, needs, ours, runInit, withoutPids } from "../helpers/inits.ts";

/** Time for the init to listen: of an end before that it says that it has collected it, and not that it has heard of it. */
const HEARD = "sleep 0.5";
const plain = { asInit: false };
const nothing = openSync("/dev/null", "r");

/** Name of the case, arguments, where they run. */
const same: readonly [string, string[], InitOptions?][] = [
	["an exit code", ["--", "sh", "-c", "exit 3"]],
	["a program that a signal ended", ["--", "sh", "-c", "kill -TERM $$"]],
	["a program that SIGKILL ended", ["--", "sh", "-c", "kill -KILL $$"]],
	["-e for an exit code", ["-e", "3", "--", "sh", "-c", "exit 3"]],
	["-e for a signal", ["-e", "143", "--", "sh", "-c", "kill $$"]],
	["-e twice", ["-e", "3", "-e4", "--", "sh", "-c", "exit 4"]],
	["-e for another code", ["-e", "3", "--", "sh", "-c", "exit 4"]],
	["-e for a missing program", ["-e", "127", "--", "/nonexistent"]],
	["-e 256", ["-e", "256", "--", "true"]],
	["-e -1", ["-e", "-1", "--", "true"]],
	["-e abc", ["-e", "abc", "--", "true"]],
	["-e without a value", ["-e"]],
	["-p with a bad name", ["-p", "TERM", "--", "true"]],
	["-p with a lower-case name", ["-p", "sigterm", "--", "true"]],
	["-p without a value", ["-sp"]],
	["an unknown flag", ["-x", "--", "true"]],
	["an unknown flag in a cluster", ["-gvx", "--", "true"]],
	["an unknown long flag", ["--verbose", "--", "true"]],
	["--version with something else", ["--version", "true"]],
	["no program", []],
	["no program behind --", ["--"]],
	["a missing program", ["--", "/nonexistent"]],
	["a program missing on PATH", ["--", "nonexistent-program"]],
	["a directory", ["--", "/tmp"]],
	["a file that is not executable", ["--", "/etc/passwd"]],
	["all that -vvv says", ["-vvv", "--", "sh", "-c", `${HEARD}; exit 3`]],
	["all that -vv says", ["-vv", "--", "sh", "-c", `${HEARD}; kill $$`]],
	["a signal passed on", ["-vvv", "--", "sh", "-c", "trap 'exit 7' USR1; kill -USR1 1; while :; do sleep 0.01; done"]],
	["-w for an orphan", ["-w", "--", "sh", "-c", LEAVE_ORPHAN]],
	["-w in a cluster", ["-gwv", "--", "sh", "-c", LEAVE_ORPHAN]],
	["no warning without -w", ["--", "sh", "-c", LEAVE_ORPHAN]],
	["TINI_VERBOSITY over -v", ["-vvv", "--", "true"], { env: { TINI_VERBOSITY: "1" } }],
	["TINI_VERBOSITY=0", ["--", "true"], { ...plain, env: { TINI_VERBOSITY: "0" } }],
	["an empty TINI_VERBOSITY", ["-v", "--", "true"], { ...plain, env: { TINI_VERBOSITY: "" } }],
	["the warning outside PID 1", ["--", "true"], plain],
	["-s outside PID 1", ["-svvv", "--", "sh", "-c", HEARD], plain],
	["TINI_SUBREAPER, even empty", ["-vvv", "--", "sh", "-c", HEARD], { ...plain, env: { TINI_SUBREAPER: "" } }],
	["-s adopts and reaps", ["-sw", "--", "sh", "-c", LEAVE_ORPHAN], plain],
	["arguments of the program's own", ["-s", "--", "printf", "<%s>", "--", "-e", "", "a b", "-g"], plain],
	["a script without an interpreter line", ["--", "./plain-script", "a", "b c"]],
	["a script with a bad interpreter", ["--", "./bad-interpreter"]],
	["an empty name", ["--", ""]],
	[
		"descriptors that are /dev/null, read-only",
		["--", "sh", "-c", "readlink /proc/$$/fd/3 /proc/$$/fd/4"],
		{ descriptors: [nothing, nothing] },
	],
];

suite("as tini", needs("tini"), () => {
	let cwd: string;
	before(async () => {
		cwd = await mkdtemp(join(tmpdir(), "lastcall-test-"));
		const script = 'echo "$0 $# $2"\n';
		writeFileSync(join(cwd, "plain-script"), script, { mode: 0o755 });
		writeFileSync(join(cwd, "bad-interpreter"), `#!/nonexistent\n${script}`, { mode: 0o755 });
	});
	after(async () => {
		closeSync(nothing);
		await rm(cwd, { recursive: true });
	});

	for (const [name, args, options] of same) {
		test(name, async () => {
			const [expected, found] = await Promise.all([
				runInit(["tini"], args, { cwd, ...options }),
				runInit(ours("tini"), args, { cwd, ...options }),
			]);
			assert.deepEqual(comparable(found), comparable(expected));
		});
	}

	test("--version, -h and -l go to stdout and end with 0", async () => {
		const print = async (flag: string) => {
			const { code, stdout, stderr } = await runInit(ours("tini"), [flag], plain);
			assert.deepEqual([code, stderr], [0, ""]);
			return stdout;
		};
		assert.match(await print("--version"), /^tini version 0\.19\.0 - lastcall \d/);
		assert.match(
			await print("-h"),
			/^tini \(tini version 0\.19\.0.*\)\nUsage: tini \[OPTIONS\] PROGRAM -- \[ARGS\] \| --version\n/,
		);
		assert.equal(await print("-l"), readFileSync("LICENSE", "utf8"));
	});

	test("docker-init says tini in its messages and its own name in the usage", async () => {
		const { stderr } = await runInit(ours("docker-init"), ["-x"], plain);
		assert.match(stderr, /^docker-init: invalid option -- 'x'\ndocker-init \(tini version 0\.19\.0/);
		const { stdout } = await runInit(ours("docker-init"), ["-sv", "--", "true"], plain);
		assert.match(stdout, /^\[INFO {2}tini \(\d+\)\] Spawned/);
	});
});

test("under our own name all messages go to stderr, in our name", async () => {
	const found = await runInit(ours("lastcall"), ["-svvv", "--", "sh", "-c", "echo out"], plain);
	assert.equal(found.stdout.trimEnd(), "out");
	assert.match(
		found.stderr,
		/^\[TRACE lastcall \(\d+\)\] Registered as child subreaper\n\[INFO {2}lastcall \(\d+\)\] Spawned child process 'sh' with pid '\d+'\n/,
	);
});

test("foreign names take no subcommands, and stop at the first word that is no flag", async () => {
	for (const name of ["tini", "docker-init", "dumb-init", "lastcall-init"]) {
		const { code, stderr } = await runInit(ours(name), ["run"], { env: { PATH: "/nonexistent" }, asInit: false });
		assert.equal(code, name === "dumb-init" ? 2 : 127, stderr);
	}
	const { stdout } = await runInit(ours("lastcall"), ["-s", "echo", "-s", "--", "run"], plain);
	assert.equal(stdout.trimEnd(), "-s -- run");
	const run = await runInit(ours("lastcall"), ["-s", "--", "run"], plain);
	assert.equal(run.code, 127, "a program called run");
});

/**
 * The usage text is our own, and tini's prints the failure to execute from the child that it forked for it. tini looks once a
 * second whether somebody has died, and says so: how often depends on how long the program takes.
 */
function comparable(outcome: Parameters<typeof withoutPids>[0]) {
	const { code, stdout, stderr } = withoutPids(outcome);
	return {
		code,
		stdout: stdout.replaceAll("[TRACE tini (N)] No child to reap\n", ""),
		stderr: stderr.replace(/^tini \(tini version[\s\S]*/m, "(usage)"),
	};
}
