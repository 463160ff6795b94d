/** Values that no author means, and that must be told as mistakes before anything is started. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { validateConfig } from "../../src/config/validate.ts";

const job = { command: ["true"] };
const thread = { thread: import.meta.filename };

/** What the user reads, without the words that all mistakes have in common. */
function mistakesOf(value: unknown): string[] {
	try {
		validateConfig({ path: "/lastcall.config.json", value });
	} catch (error) {
		assert.ok(error instanceof UserError, String(error));
		const [, ...lines] = error.message.split("\n");
		return lines.map((line) => line.replace(/^ {2}(Cannot use )?/, ""));
	}
	return [];
}

function circular(): unknown[] {
	const list: unknown[] = [];
	list.push(list);
	return list;
}

const refused: [what: string, value: unknown, message: RegExp][] = [
	["quotes in a command as text", { jobs: { a: { command: "sh -c 'true'" } } }, /^jobs\.a\.command: has quotes, which/],
	["an empty text as a command", { jobs: { a: { command: "" } } }, /^jobs\.a\.command: is empty/],
	["blanks as a command", { jobs: { a: { command: "  " } } }, /^jobs\.a\.command: is empty, expected a program/],
	[
		"an argument in a text that no kernel takes",
		{ jobs: { a: { command: `true ${"x".repeat(140_000)}` } } },
		/^jobs\.a\.command\.1: found 140000 bytes, expected at most 131071 /,
	],
	["a list", [{ jobs: { a: job } }], /^the value: found Array, expected Obj/],
	["jobs as a list", { jobs: [job] }, /^jobs: found Array, expected Object$/],
	["jobs as a list of itself", { jobs: circular() }, /^jobs: found Array, expected Object$/],
	[
		"a name of JavaScript's own for a variable",
		{ jobs: { a: { ...job, env: { constructor: "x" } } } },
		/^jobs\.a\.env\.constructor: found the name "constructor", which is JavaScript's own/,
	],
	[
		"PATH as a list",
		{ jobs: { a: { ...job, env: { PATH: ["/usr/bin"] } } } },
		/^jobs\.a\.env\.PATH: found Array, expected string$/,
	],
	[
		"env as a list, as Compose takes it",
		{ jobs: { a: { ...job, env: ["A=B"] } } },
		/^jobs\.a\.env: found Array, expected Object$/,
	],
	["a bigint", { jobs: { a: { ...job, restart: 1n } } }, /^jobs\.a\.restart: found 1, expected one of /],
	[
		"a circular value",
		{ jobs: { a: { ...job, restart: circular() } } },
		/^jobs\.a\.restart: found \[object Array\], expected one of /,
	],
	[
		"a field that every object inherits",
		JSON.parse('{"jobs": {"a": {"command": ["true"], "constructor": 1}}}'),
		/^jobs\.a\.constructor: no such field$/,
	],
	["a NUL in an argument", { jobs: { a: { command: ["true", "a\0b"] } } }, /^jobs\.a\.command\.1: has a NUL character/],
	[
		"no program",
		{ jobs: { a: { command: [""] } } },
		/^jobs\.a\.command: begins with an empty text, expected a program$/,
	],
	[
		"an argument that no kernel takes",
		{ jobs: { a: { command: ["true", "ż".repeat(70_000)] } } },
		/^jobs\.a\.command\.1: found 140000 bytes, expected at most 131071 /,
	],
	["a NUL in a variable", { jobs: { a: { ...thread, env: { A: "\0" } } } }, /^jobs\.a\.env\.A: has a NUL character/],
	[
		"a variable whose name no environment can hold",
		{ jobs: { a: { ...job, env: { "A=B": "" } } } },
		/^jobs\.a\.env: found the name "A=B", expected one without "="/,
	],
	[
		"a URL that is none",
		{ jobs: { a: { ...job, readiness: { http: "http://a b[" } } } },
		/^jobs\.a\.readiness\.http: found no URL/,
	],
	...(
		[
			[{}, /^jobs\.a\.liveness: expected one of http, tcp, command, heartbeat$/],
			[{ http: "http://h/", tcp: "h:1" }, /^jobs\.a\.liveness: expected one of http, tcp, command, heartbeat$/],
			[{ htp: "http://h/" }, /^jobs\.a\.liveness\.htp: no such field; did you mean "http"/],
			[{ tcp: "h:1", interval: "10" }, /^jobs\.a\.liveness\.interval: "10" has no unit/],
			[{ heartbeat: "99ms" }, /^jobs\.a\.liveness\.heartbeat: found less than "100ms"/],
			[{ heartbeat: "1s", timeout: "1s" }, /^jobs\.a\.liveness: found interval, timeout or retries beside heartbeat/],
			[{ tcp: "h:1", explicit: true }, /^jobs\.a\.liveness: found explicit without heartbeat$/],
			[{ tcp: "h:1", retries: 0 }, /^jobs\.a\.liveness\.retries: found 0, expected at least 1$/],
			[{ command: "it 'x'" }, /^jobs\.a\.liveness\.command: has quotes/],
			[{ command: ["no-such-program"] }, /^jobs\.a\.liveness\.command: "no-such-program" not found as a program/],
			[{ heartbeat: "1s", explicit: true }, /^jobs\.a\.liveness\.explicit: only a job that is a function/],
			[{ heartbeat: "1s", onStuck: "stop" }, /^jobs\.a\.liveness\.onStuck: found "stop", expected one of exit/],
		] as const
	).map(([liveness, message]): [string, unknown, RegExp] => [
		`liveness ${JSON.stringify(liveness)}`,
		{ jobs: { a: { ...job, liveness } } },
		message,
	]),
	[
		"a readiness of a megabyte",
		{ jobs: { a: { ...job, readiness: "a".repeat(1_000_000) } } },
		/^jobs\.a\.readiness: found "a{100,120}…, expected "notify"/,
	],
	[
		"a port that is none",
		{ jobs: { a: { ...job, readiness: { tcp: "db:99999" } } } },
		/^jobs\.a\.readiness\.tcp: found no valid port, expected one from 1 to 6/,
	],
	[
		"a limit that takes the whole process down",
		{ jobs: { a: { ...thread, resourceLimits: { codeRangeSizeMb: 1e9 } } } },
		/^jobs\.a\.resourceLimits\.codeRangeSizeMb: found 1000000000, expected at m/,
	],
	[
		"a heap in which no thread can begin",
		{ jobs: { a: { ...thread, resourceLimits: { maxOldGenerationSizeMb: 1 } } } },
		/^jobs\.a\.resourceLimits\.maxOldGenerationSizeMb: found 1, expected at l/,
	],
	[
		"data that no process can get",
		{ jobs: { a: { process: import.meta.filename, data: { memory: new SharedArrayBuffer(4) } } } },
		/^jobs\.a\.data: #<SharedArrayBuffer> could not be cloned\., expected plain data \(the job gets a copy\)$/,
	],
	[
		"a name that a terminal would act on",
		{ jobs: { "\x1b[2J": job } },
		/^jobs\."\\u001b\[2J": found the name "\\u001b\[2J", expected letters, /,
	],
];

for (const [what, value, message] of refused) {
	test(`validateConfig() refuses ${what}`, () => {
		const mistakes = mistakesOf(value);
		assert.ok(
			mistakes.some((mistake) => message.test(mistake)),
			mistakes.join("\n"),
		);
	});
}

test("validateConfig() takes an argument that is empty", () => {
	assert.deepEqual(mistakesOf({ jobs: { a: { command: ["true", ""] } } }), []);
});

test("validateConfig() answers at once and in short lines, however long a name is", () => {
	const [own, other] = ["a".repeat(1_000_000), "b".repeat(1_000_000)];
	const mistakes = mistakesOf({ jobs: { [own]: { dependsOn: [other] } } });
	assert.ok(mistakes.length >= 3);
	for (const mistake of mistakes) assert.ok(mistake.length < 1_000);
});

test("validateConfig() tells a hundred mistakes, and how many more there are", () => {
	const names = Array.from({ length: 500 }, (_, index) => `job-${index}`);
	const jobs = Object.fromEntries(names.map((name) => [name, { ...job, dependsOn: [`${name}?`] }]));
	const mistakes = mistakesOf({ jobs });
	assert.equal(mistakes.length, 101);
	assert.equal(mistakes.at(-1), "(and 400 more mistakes)");
});

test("validateConfig() follows a chain of jobs that is longer than any stack", () => {
	const jobs: Record<string, { dependsOn: string[] }> = Object.fromEntries(
		Array.from({ length: 12_000 }, (_, index) => [
			`j${index}`,
			// A program would be looked for on all of PATH.
			{ ...thread, dependsOn: index === 0 ? [] : [`j${index - 1}`] },
		]),
	);
	assert.deepEqual(mistakesOf({ jobs }), []);
	jobs.j0?.dependsOn.push("j11999");
	const [mistake = ""] = mistakesOf({ jobs });
	assert.match(mistake, /found a cycle \(j0 → j11999 → j11998 → .* → … → j0\)/);
	assert.ok(mistake.length < 500);
});

test("validateConfig() says that a configuration cannot be read whose getter throws", () => {
	const value = {
		get jobs() {
			throw new Error("no database yet");
		},
	};
	assert.throws(
		() => validateConfig({ path: "/lastcall.config.mjs", value }),
		(error: Error) =>
			error instanceof UserError &&
			/^Cannot use the configuration .*: reading it failed: no database yet$/.test(error.message),
	);
});
