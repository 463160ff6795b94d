import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { type Options, parseOptions } from "../../src/rehearse/options.ts";

const accepted: [line: string, options: Partial<Options>][] = [
	["", { subject: { type: "config", path: undefined }, runs: 20, withinMs: 3_000, yes: false, json: false }],
	["jobs.yaml --runs 3", { subject: { type: "config", path: "jobs.yaml" }, runs: 3 }],
	["-y -- sh -c x -- --runs", { subject: { type: "program", command: ["sh", "-c", "x", "--", "--runs"] }, yes: true }],
	["--image web", { subject: { type: "image", image: "web", flags: [], command: [] } }],
	[
		"--image web --stop-timeout 5s -- -e A=1 -- server --port 80",
		{
			subject: { type: "image", image: "web", flags: ["-e", "A=1"], command: ["server", "--port", "80"] },
			stopTimeoutMs: 5_000,
		},
	],
	["--seed 7 --signal QUIT --within 500ms", { seed: 7, signal: "SIGQUIT", withinMs: 500 }],
	["--json --probe http://127.0.0.1:80/x", { json: true, probe: new URL("http://127.0.0.1:80/x") }],
];

const refused: [line: string, message: RegExp][] = [
	["a.ts b.ts", /^Cannot rehearse: found a\.ts b\.ts, expected one of: lastcall rehearse \[CONFIG\], /],
	["a.ts -- sh", /^Cannot rehearse: found a\.ts sh, expected one of/],
	["--", /^Cannot rehearse: found nothing after --, expected one of/],
	["--image web a.ts", /^Cannot rehearse: found a\.ts, expected one of/],
	["--image web -- --name=x", /^Cannot use "--name=x" for the containers of a rehearsal: /],
	["--runs 0", /^Cannot use --runs: found "0", expected a number from 1 to 1000$/],
	["--seed -1", /^Cannot use the arguments of rehearse: .*--seed/],
	["--within 3", /^Cannot use --within: "3" has no unit, /],
	["--stop-timeout 0s", /^Cannot use --stop-timeout: found 0 ms, /],
	["--signal KILL", /^Cannot use --signal: found "KILL", expected a signal that asks for a stop/],
	["--probe localhost", /^Cannot use --probe: found "localhost", expected a URL such as /],
	["--html /none/report.html", /^Cannot write --html "\/none\/report\.html": found no folder "\/none" /],
	["--nonsense", /^Cannot use the arguments of rehearse: .*--nonsense/],
	["-- /none", /^Cannot rehearse "\/none": found no such program$/],
];

const split = (line: string) => line.split(" ").filter((word) => word !== "");

test("parseOptions() understands what to rehearse, and how", () => {
	for (const [line, expected] of accepted) {
		const options = parseOptions(split(line));
		assert.ok(options !== "help");
		for (const [name, value] of Object.entries(expected))
			assert.deepEqual(options[name as keyof Options], value, `${name} of "${line}"`);
	}
});

test("parseOptions() knows when help is asked for, and leaves the program its own flags", () => {
	assert.equal(parseOptions(["--runs", "2", "-h"]), "help");
	assert.notEqual(parseOptions(["--", "sh", "-h"]), "help");
});

test("parseOptions() refuses what it cannot understand, and says what it expects", () => {
	for (const [line, message] of refused)
		assert.throws(
			() => parseOptions(split(line)),
			(error) => error instanceof UserError && message.test(error.message),
			line,
		);
});
