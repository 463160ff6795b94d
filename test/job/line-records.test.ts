/** Whose line is it: what becomes of the lines that threads and processes print. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addJob, type LineFormat, LineRecords, lineFormats } from "../../src/job/line-records.ts";
import { openFifo } from "../helpers/fifo.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";
import { fc, holds } from "../helpers/property.ts";
import { untilBlocked } from "../helpers/threads.ts";

const settings = { level: "info", format: "json", hasColors: false, isTerminal: false } as const;
const format = lineFormats(settings, ["it"])("it");

/** The lines that are made of the bytes, whichever pieces they come in. */
function recordsOf(pieces: readonly Buffer[], how: LineFormat = format): string[] {
	const records = new LineRecords(how, "stdout");
	const chunks = [...pieces.flatMap((bytes) => records.write(bytes)), ...records.end()];
	return Buffer.concat(chunks).toString().split("\n").slice(0, -1);
}

test("a line that is a JSON object keeps its text, and gets the job", () => {
	for (const [line, expected] of [
		['{"a":1.0,"b":12345678901234567890,"a":1e999}', '{"job":"it","a":1.0,"b":12345678901234567890,"a":1e999}'],
		["{}", '{"job":"it"}'],
		[' { "a" : [ {"job":1,"event":2} ] } ', '{"job":"it", "a" : [ {"job":1,"event":2} ] }'],
		['{"event":"stop.finished","msg":"x"}', '{"job":"it","event_":"stop.finished","msg":"x"}'],
		['{"job":"web","\\u006aob":":","job_":{"job":1}}', '{"job":"it","job__":"web","job__":":","job_":{"job":1}}'],
		['{"__proto__":{"event":1}}', '{"job":"it","__proto__":{"event":1}}'],
		['{"a":\r{"event":1}\t}', '{"job":"it","a": {"event":1} }'],
	] as const)
		assert.equal(addJob(line, "it"), expected);
});

test("a line that is no JSON object, or a very deep one, stays text", () => {
	const deep = `{"a":${"[".repeat(300)}${"]".repeat(300)}}`;
	const wide = `{"a":[${"[],".repeat(300)}1]}`;
	for (const line of ["", "x", "1", "[]", "null", "{", '{"a":1}}', '{"a":1} {"b":2}', '{"a":"\0"}', deep])
		assert.equal(addJob(line, "it"), undefined, line);
	assert.equal(addJob(wide, "it"), `{"job":"it",${wide.slice(1)}`);
	const [record = ""] = recordsOf([Buffer.from(`${deep}\n`)]);
	const { job, stream, level, msg } = JSON.parse(record);
	assert.deepEqual({ job, stream, level, msg }, { job: "it", stream: "stdout", level: "info", msg: deep });
});

/** Keys and values that meet the words of the format, and bytes that are no text. */
const key = fc.oneof(
	fc.constantFrom("job", "event", "job_", "event_", "__proto__", "constructor", "level", "time", "msg"),
	fc.string({ unit: "binary" }),
);
const { value } = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 4 },
		fc.string({ unit: "binary" }),
		fc.double({ noNaN: true }),
		fc.constantFrom(null, true, false),
		fc.array(tie("value"), { maxLength: 4 }),
		fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
	),
}));
const object = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((entries) => Object.fromEntries(entries));
/** Indented by a tab: on one line, with spaces between the tokens. */
const json = fc
	.tuple(fc.oneof(object, value), fc.boolean())
	.map(([it, spaced]) => JSON.stringify(it, undefined, spaced ? "\t" : "").replaceAll("\n", spaced ? "\r" : ""));
const line = fc.oneof(
	json.map((text) => Buffer.from(text)),
	fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
	// Almost JSON.
	fc.tuple(json, fc.nat(), fc.uint8Array({ maxLength: 2 })).map(([text, at, bytes]) => {
		const whole = Buffer.from(text);
		const cut = at % (whole.length + 1);
		return Buffer.concat([whole.subarray(0, cut), bytes, whole.subarray(cut)]);
	}),
);

test("each line is one line of JSON, says whose it is, cannot pass for the init's, and means what it meant", async (t) => {
	const runs = { short: 400, full: 100_000 };
	await holds(t, fc.tuple(line, fc.nat()), runs, ([bytes, at]) => {
		if (bytes.includes(10)) return;
		const cut = at % (bytes.length + 1);
		const found = recordsOf([bytes.subarray(0, cut), Buffer.concat([bytes.subarray(cut), Buffer.from("\n")])]);
		assert.equal(found.length, 1);
		const record = JSON.parse(found[0] ?? "");
		assert.equal(record.job, "it");
		assert.ok(!Object.hasOwn(record, "event"));
		// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal or a reader of lines acts on
		assert.doesNotMatch(found[0] ?? "", /[\x00-\x1f]/);
		const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
		const own = parsed(text);
		if (own === undefined) assert.equal(record.msg, text.replace(/\r$/, ""));
		else {
			const { job: _, ...rest } = record;
			const expected = Object.entries(own).map(([key, value]) => [renamed(key, own), value] as const);
			assert.deepEqual(new Map(Object.entries(rest)), new Map(expected));
		}
	});
});

function parsed(text: string): object | undefined {
	try {
		const value = JSON.parse(text);
		return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function renamed(key: string, own: object): string {
	let name = key;
	if (key === "job" || key === "event") while (Object.hasOwn(own, name)) name += "_";
	return name;
}

test("no part of a line that is too long becomes an object", () => {
	const forged = '{"event":"stop.finished"}';
	const found = recordsOf([Buffer.from(`${"x".repeat(8192)}${forged}\n${forged}\n`)]).map((it) => JSON.parse(it));
	assert.deepEqual(
		found.map(({ partial, msg, event_ }) => ({ partial, msg: msg?.slice(-25), event_ })),
		[
			{ partial: true, msg: "x".repeat(25), event_: undefined },
			{ partial: undefined, msg: forged, event_: undefined },
			{ partial: undefined, msg: undefined, event_: "stop.finished" },
		],
	);
});

test("lastcall run is one stream of JSON with output: log, and threads are without being told", async () => {
	for (const [output, processIsText] of [
		["log", false],
		[undefined, true],
	] as const) {
		const object = '{"level":30,"msg":"hello","n":1.0}';
		const print = [`console.log('${object}'); console.error("words")`, `process.stdout.write("unfinished")`].join(";");
		// No record of a thread joins an unfinished line of a process that has the output to itself.
		const last = processIsText ? "echo" : "printf";
		await using lastcall = await startLastcall({
			output,
			jobs: {
				thread: { thread: fixture("evaluating"), data: print, essential: false },
				process: { command: shell(`echo '${object}'; echo words >&2; ${last} unfinished`), essential: false },
			},
		});
		assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
		const texts = lastcall.lines.all.filter((line) => !line.startsWith("{"));
		assert.equal(texts.length > 0, processIsText, texts.join("\n"));
		for (const job of processIsText ? ["thread"] : ["thread", "process"]) {
			const lines = lastcall.lines.all.filter((line) => line.includes(`"job":"${job}"`) && !line.includes('"event"'));
			assert.ok(lines.includes(`{"job":"${job}",${object.slice(1)}`), lines.join("\n"));
			const of = (name: string) => lines.map((line) => JSON.parse(line)).filter(({ stream }) => stream === name);
			assert.deepEqual(
				of("stderr").map(({ msg }) => msg),
				["words"],
			);
			assert.deepEqual(
				of("stdout").map(({ msg }) => msg),
				["unfinished"],
			);
			// The report of its end comes after its last words.
			const end = lastcall.lines.all.findIndex((line) => line.includes(`"job.exited","job":"${job}"`));
			assert.ok(end > lastcall.lines.all.indexOf(lines.at(-1) ?? ""));
		}
	}
});

test("what a thread has printed of a line survives its being killed", async () => {
	await using lastcall = await startLastcall({
		output: "log",
		jobs: {
			it: {
				thread: fixture("evaluating"),
				data: 'process.stdout.write("one\\ntwo"); console.error("up"); for (;;);',
				stopTimeout: "10ms",
			},
		},
	});
	await lastcall.lines.waitFor(/"msg":"up"/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124);
	const messages = lastcall.lines.all.map((line) => JSON.parse(line)).filter(({ event }) => event === undefined);
	assert.deepEqual(
		messages.filter(({ stream }) => stream === "stdout").map(({ msg }) => msg),
		["one", "two"],
	);
});

test("a thread waits for a slow reader of its records, and its stop does not", async () => {
	using fifo = openFifo();
	// One write: without a limit on its records they would take hundreds of megabytes.
	const data = 'process.stdout.write("y\\n".repeat(2e6))';
	await using lastcall = await startLastcall(
		{ output: "log", stopTimeout: "1h", jobs: { it: { thread: fixture("evaluating"), data } } },
		{ stdout: fifo.writer },
	);
	await untilBlocked(lastcall.pid, "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
});

test("without a terminal the pretty log names the job of a line, and a JSON object is shown as it is", async () => {
	const jobs = { it: { command: shell(`echo '{"a":1}'`), output: "log", essential: false } };
	await using lastcall = await startLastcall({ logFormat: "pretty", jobs });
	await lastcall.exit();
	assert.match(lastcall.lines.text, /^\[[\d:.]+\] INFO: \[it\] \{"a":1\}$/m);
});
