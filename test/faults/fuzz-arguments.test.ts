/** Command lines that nobody means: each is understood, or refused with a message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { parseCommand } from "../../src/cli/args.ts";
import { parseDumbInit } from "../../src/dropin/dumb-init.ts";
import { identify, type Plan } from "../../src/dropin/settings.ts";
import { parseTini } from "../../src/dropin/tini-args.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { keepFigures } from "../helpers/figures.ts";
import { ours, runInit } from "../helpers/inits.ts";
import { oddText } from "../helpers/odd.ts";
import { fc, holds } from "../helpers/property.ts";

const COMMANDS = ["run", "check", "status", "stop", "restart", "signal"];
const FLAGS = [
	...["-h", "-l", "-s", "-v", "-w", "-g", "-p", "-e", "-c", "-r", "-V", "-x"],
	...["-vvvvvvvv", "-e256", "-e", "-eabc", "-pSIGTERM", "-pSIG", "-gp", "-"],
	...["--", "--help", "--version", "--json", "--watch", "--socket", "--setsid"],
	...["--stop-timeout", "--stop-timeout=", "--stop-timeout=10", "--rewrite"],
	...["--rewrite=15:3", "--rewrite=99:99", "--single-child", "--__proto__"],
	...["--kill-stragglers", "--json=1", "--verb", "--=", "--socket=/none"],
];
const ENVIRONMENT = [
	...["TINI_SUBREAPER", "TINI_VERBOSITY", "TINI_KILL_PROCESS_GROUP"],
	...["LASTCALL_STOP_TIMEOUT", "LASTCALL_VERBOSITY", "LASTCALL_LOG_LEVEL"],
	...["LASTCALL_LOG_FORMAT", "DUMB_INIT_DEBUG", "DUMB_INIT_SETSID"],
];

const words = fc.array(fc.oneof(fc.constantFrom(...COMMANDS, ...FLAGS), fc.constantFrom(...FLAGS), oddText), {
	maxLength: 8,
});
const env = fc.dictionary(fc.constantFrom(...ENVIRONMENT), oddText, { maxKeys: 3 });

test("every command line is a command, or a mistake that is named", async (t) => {
	const tried = await holds(t, words, { short: 20_000, full: 200_000 }, (args) => {
		try {
			assert.ok(parseCommand(args).type);
		} catch (error) {
			assert.ok(error instanceof UserError, String(error));
			assert.match(error.message, /^Cannot /);
		}
	});
	keepFigures(t, "bad input", "command lines of run, check, status, …", { tried, "not understood and not named": 0 });
});

test("every command line of tini and dumb-init starts the program that was meant, or says why not", async (t) => {
	const names = fc.constantFrom("lastcall", "tini", "dumb-init", "docker-init");
	const tried = await holds(
		t,
		fc.tuple(names, words, env),
		{ short: 20_000, full: 200_000 },
		([name, args, variables]) => {
			const identity = identify(name);
			const plan: Plan =
				identity.style === "dumb-init"
					? parseDumbInit(args, variables, identity)
					: parseTini(args, variables, identity);
			if (plan.type === "answer") {
				const { code, stdout = "", stderr = "" } = plan;
				assert.notEqual(stdout + stderr, "");
				assert.ok(code === 0 || (code === 1 && stderr !== ""));
				return;
			}
			const { command, rewrites, expected, verbosity } = plan.settings;
			assert.ok(command.length > 0);
			assert.deepEqual(command, args.slice(-command.length), "untouched");
			assert.ok(Number.isInteger(verbosity));
			for (const number of [...rewrites.keys(), ...rewrites.values()]) assert.ok(number >= 0 && number <= 64);
			for (const code of expected) assert.ok(code >= 0 && code <= 255);
		},
	);
	keepFigures(t, "bad input", "command lines of tini and dumb-init", { tried, "program's arguments changed": 0 });
});

test("real programs: every command line ends, with a message if it fails, and without a stack", async (t) => {
	using directory = makeDirectory();
	// Whatever is no flag could be a program: only harmless ones.
	const harmless = fc.constantFrom(
		...["true", "false", "/nowhere", "", "ü\x1b[2J", "__proto__", "/etc"],
		"x".repeat(50_000),
	);
	const [flags, commands] = [fc.constantFrom(...FLAGS), fc.constantFrom(...COMMANDS)];
	const line = fc.tuple(
		fc.constantFrom("lastcall", "tini", "dumb-init"),
		fc.oneof(
			fc.tuple(commands, fc.array(fc.oneof(flags, harmless), { maxLength: 4 })),
			fc.tuple(flags, fc.array(fc.oneof(flags, harmless), { maxLength: 4 })),
		),
		env,
	);
	const codes = new Set<number | string>();
	const tried = await holds(t, line, { short: 30, full: 400 }, async ([name, [first, rest], variables]) => {
		const clean = Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, forKernel(value)]));
		const { code, stdout, stderr } = await runInit(ours(name), [first, ...rest], { cwd: directory.path, env: clean });
		codes.add(code);
		const output = stdout + stderr;
		assert.doesNotMatch(output, /\n\s+at .*(:\d+:\d+|<anonymous>)/);
		assert.ok([0, 1, 2, 126, 127].includes(Number(code)), `code ${code}\n${output}`);
		const ran = [first, ...rest].includes("false");
		if (code !== 0 && !ran) assert.notEqual(stderr, "");
	});
	keepFigures(t, "bad input", "processes started with bad command lines", {
		tried,
		"crashed, or hung": 0,
		"exit codes seen": [...codes].sort().join(" "),
	});
});

/** What execve(2) takes for one variable: no NUL, and no more than 128 KiB with its name, here in UTF-8. */
function forKernel(value: string): string {
	return value.replaceAll("\0", "").slice(0, 40_000);
}
