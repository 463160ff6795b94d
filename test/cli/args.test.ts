import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { type Command, isSubcommand, parseCommand } from "../../src/cli/args.ts";
import type { JobCommand } from "../../src/supervisor/commands.ts";

/** Command lines as they are typed, and what they mean. */
const accepted: [line: string, command: Command][] = [
	["-h", { type: "help" }],
	["--help", { type: "help" }],
	["help", { type: "help" }],
	["help help", { type: "help" }],
	["help --help", { type: "help" }],
	["help signal", { type: "help", command: "signal" }],
	["run --help", { type: "help", command: "run" }],
	["run -h jobs.ts", { type: "help", command: "run" }],
	["stop -h", { type: "help", command: "stop" }],
	["--version", { type: "version" }],
	["run", run()],
	["run jobs.ts", run({ config: "jobs.ts" })],
	["run --stop-timeout 1m30s", run({ stopTimeoutMs: 90_000 })],
	["run --stop-timeout=500ms", run({ stopTimeoutMs: 500 })],
	["run jobs.ts --stop-timeout 10s", run({ config: "jobs.ts", stopTimeoutMs: 10_000 })],
	["run -- node server.js --port 80", run({ program: ["node", "server.js", "--port", "80"] })],
	["run --stop-timeout 8s -- node", run({ program: ["node"], stopTimeoutMs: 8_000 })],
	["check jobs.yaml", { type: "check", config: "jobs.yaml", program: undefined, stopTimeoutMs: undefined }],
	["status", { type: "status", json: false, watch: false, socket: undefined }],
	["status --json -w --socket /x.sock", { type: "status", json: true, watch: true, socket: "/x.sock" }],
	["stop web", control({ type: "stop", job: "web" })],
	["stop", control({ type: "stop" })],
	["start web", control({ type: "start", job: "web", wait: true })],
	["restart web --no-wait", control({ type: "restart", job: "web", wait: false })],
	["signal web SIGHUP", control({ type: "signal", job: "web", signal: "SIGHUP" })],
	["rehearse --runs 2 -- sh -h", { type: "rehearse", args: ["--runs", "2", "--", "sh", "-h"] }],
	["help rehearse", { type: "rehearse", args: ["--help"] }],
	["", { type: "usage" }],
	// Whatever is no command is a program, or the flags for one.
	["statsu", { type: "exec" }],
	["init", { type: "init", source: undefined, yes: false }],
	["init Procfile -y", { type: "init", source: "Procfile", yes: true }],
	["-- init", { type: "exec" }],
	["node jobs.ts", { type: "exec" }],
	["--stop-timeout 10s node jobs.ts", { type: "exec" }],
	["-- run", { type: "exec" }],
];

const refused: [line: string, message: RegExp][] = [
	["run a.ts b.ts", /^Cannot run 2 configurations \(a.ts, b.ts\), expected /],
	["run --stop-timeout 10", /^Cannot use --stop-timeout: "10" has no unit, /],
	["run --stop-timeout", /^Cannot use the arguments of run: .*--stop-timeout/],
	["run --restart", /^Cannot use the arguments of run: no option --restart, expected one of --stop-timeout, --help$/],
	["status web", /^Cannot use the arguments of status: found web, expected none$/],
	["run --", /^Cannot run: found no program after --, expected: lastcall run \[CONFIG\], or lastcall run -- PROGRAM$/],
	["run a.ts -- node", /^Cannot run: found a configuration, a.ts, and a program, expected: /],
	["start", /^Cannot use the arguments of start: found none, expected: lastcall start JOB$/],
	["stop a b", /found a b, expected: lastcall stop \[JOB\]$/],
	["signal web", /found web, expected: lastcall signal JOB SIGNAL$/],
	["help nonsense", /^Cannot help with "nonsense": expected one of run, check, /],
	["help run check", /^Cannot help with "run check": expected one of run, /],
	["init one two", /found one two, expected at most one file.*lastcall -- init\)$/],
	["run -x", /^Cannot use the arguments of run: .*-x/],
];

for (const [line, command] of accepted) {
	test(`parseCommand() understands "${line}"`, () => {
		assert.deepEqual(parseCommand(words(line)), command);
	});
}

for (const [line, message] of refused) {
	test(`parseCommand() refuses "${line}" with a message for the user`, () => {
		assert.throws(
			() => parseCommand(words(line)),
			(error) => {
				assert.ok(error instanceof UserError, String(error));
				assert.match(error.message, message);
				return true;
			},
		);
	});
}

test("isSubcommand() tells by the first word whether parseCommand() finds more than a program, or a mistake", () => {
	const firstOf = (line: string) => line.split(" ")[0];
	for (const [line, { type }] of accepted)
		if (!["help", "usage", "version"].includes(type) && firstOf(line) !== "help")
			assert.equal(isSubcommand(firstOf(line)), type !== "exec", line);
	for (const [line] of refused) if (!/^(help|init)/.test(line)) assert.ok(isSubcommand(firstOf(line)), line);
});

function words(line: string): string[] {
	return line.split(" ").filter((word) => word !== "");
}

function control(command: JobCommand): Command {
	return { type: "control", command, socket: undefined };
}

function run(given: Partial<Command & { type: "run" }> = {}): Command {
	return { type: "run", config: undefined, program: undefined, stopTimeoutMs: undefined, ...given };
}
