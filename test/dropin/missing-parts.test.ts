/** What the init does where a part of the C library is missing or refused: the program runs, and a warning says what is lost. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { REGISTER } from "../helpers/app.ts";
import { BINDINGS, WITHOUT_BINDING } from "../helpers/bindings.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { childrenOf, ours, runInit, startInit } from "../helpers/inits.ts";
import { namespace, startLastcall } from "../helpers/lastcall.ts";
import { onMusl } from "../helpers/musl.ts";
import { openPty } from "../helpers/pty.ts";

const fixture = (name: string) => join(import.meta.dirname, `../fixtures/${name}.ts`);
const QUIET = "--disable-warning=ExperimentalWarning";
const hiding = (flags: readonly string[]) => [...[QUIET, ...flags], ...["--import", fixture("hide-symbol")]];
const REFUSING = [QUIET, "--import", fixture("refuse")];
const STOPPABLE = 'trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done';
const sh = (script: string) => ["--", "sh", "-c", script];

/** Runs a program that SIGTERM ends with 8, on a terminal, with as much to do for its init as there can be. */
async function runOnTerminal(
	nodeFlags: readonly string[],
	flags: readonly string[],
	env: NodeJS.ProcessEnv,
): Promise<string> {
	const init = ours("lastcall", { nodeFlags });
	const all = [...namespace(), ...init, "-vvvv", "-s", "-p", "SIGUSR1"];
	const [command = "", ...args] = [...all, ...flags, ...sh(STOPPABLE)];
	await using terminal = openPty(command, args, { env });
	await terminal.lines.waitFor(/^ready$/);
	// The line may come before the init listens.
	await terminal.lines.waitFor(/Spawned child process/);
	const [pid = 0] = childrenOf(terminal.pid);
	process.kill(pid, "SIGTERM");
	const { code } = await terminal.exit();
	assert.equal(code, 8, terminal.lines.text);
	return terminal.lines.text;
}

/** Without these nothing is lost but a detail: a moment of the start, the order of two calls. */
const SPARE: ReadonlySet<string> = new Set(["umask", "posix_spawn_file_actions_addtcsetpgrp_np"]);

for (const [binding, nodeFlags] of onMusl ? [] : BINDINGS)
	suite(`through ${binding}`, () => {
		for (const flags of [[], ["--setsid"]])
			test(`each symbol may be missing: ${flags.join() || "as usual"}`, async () => {
				using directory = makeDirectory();
				const file = join(directory.path, "symbols");
				writeFileSync(file, "");
				const all = hiding(nodeFlags);
				const text = await runOnTerminal(all, flags, { LOOKED_UP: file });
				assert.doesNotMatch(text, /WARN|Error/);
				const names = readFileSync(file, "utf8").trim().split("\n");
				const symbols = new Set(names);
				assert.ok(symbols.size > 20, `${[...symbols]}`);
				for (const symbol of symbols) {
					const env = { HIDDEN_SYMBOL: symbol };
					const found = await runOnTerminal(all, flags, env);
					const warning = RegExp(`WARN .*undefined symbol: ${symbol}\\b`);
					if (!SPARE.has(symbol)) assert.match(found, warning);
					assert.doesNotMatch(found, /^\s+at /m, symbol);
				}
			});

		test("all symbols may be missing, as in a static binary", async () => {
			const env = { HIDDEN_SYMBOL: "*" };
			const found = await runOnTerminal(hiding(nodeFlags), [], env);
			assert.match(found, /WARN .*Neither node:ffi nor koffi loads \(/);
		});
	});

suite("where the kernel refuses prctl(2)", () => {
	const refused = (name: string) => ours(name, { nodeFlags: REFUSING });
	const ADOPTION = "the kernel refuses prctl(PR_SET_CHILD_SUBREAPER)";

	test("PID 1 runs the program, passes SIGTERM on, and says what was refused and by whom", async () => {
		const flags = ["-s", "-p", "SIGUSR1"];
		await using running = await startInit(refused("lastcall"), [...flags, ...sh(STOPPABLE)]);
		await running.stdout.waitFor(/^ready$/);
		await running.kill("SIGTERM");
		assert.equal(await running.exit(), 8, running.stderr.text);
		assert.equal(
			running.stderr.text,
			`[WARN  lastcall (1)] Failed to set up parent death signal: the kernel refuses prctl(PR_SET_PDEATHSIG)
[WARN  lastcall (1)] Failed to register as child subreaper: ${ADOPTION}
`,
		);
	});

	test("elsewhere -s ends it, as tini, with the same words", async () => {
		for (const name of ["lastcall", "tini"]) {
			const args = ["-s", "--", "echo", "started"];
			const found = await runInit(refused(name), args, { asInit: false });
			assert.deepEqual([found.code, found.stdout], [1, ""]);
			assert.match(found.stderr, /^\[FATAL \w+ +\(\d+\)\] Failed to register/);
			assert.ok(found.stderr.includes(ADOPTION), found.stderr);
		}
	});

	test("lastcall/register says so, too", async () => {
		const app = [process.execPath, ...REFUSING, ...REGISTER, "-e", "0"];
		const env = { LASTCALL_SUBREAPER: "1" };
		const { stderr } = await runInit(app, [], { asInit: false, env });
		assert.match(stderr, /cannot become a subreaper: the kernel refuses/);
		assert.doesNotMatch(stderr, /koffi/);
	});

	test("lastcall run says so, too", async () => {
		await using lastcall = await startLastcall(
			{ jobs: { it: { command: ["true"] } } },
			{ asInit: false, nodeFlags: REFUSING },
		);
		assert.equal((await lastcall.exit()).code, 0);
		assert.match(lastcall.lines.text, /: the kernel has refused/);
		assert.doesNotMatch(lastcall.lines.text, /neither node:ffi/);
	});
});

test("PID 1 without a binding says what does not work, why, and what to do, by any of its names", async () => {
	for (const name of ["lastcall", "tini", "docker-init", "dumb-init"]) {
		const init = ours(name, { nodeFlags: WITHOUT_BINDING });
		const { code, stderr } = await runInit(init, ["sh", "-c", "exit 3"]);
		assert.equal(code, 3);
		assert.match(
			stderr,
			/^\[.*\] Neither node:ffi nor koffi loads \(No koffi here\)\. So no orphan is reaped, .+\. To fix the problem, .* install the npm package koffi beside lastcall\.\n$/,
		);
	}
});
