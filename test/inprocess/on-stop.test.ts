import assert from "node:assert/strict";
import { readSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt } from "../../src/base/errors.ts";
import { type AppOptions, linesOf, startApp, untilSaid } from "../helpers/app.ts";
import { BINDINGS } from "../helpers/bindings.ts";
import { openFifo } from "../helpers/fifo.ts";
import type { Lastcall } from "../helpers/lastcall.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

/** No test waits for it, unless it is about what is late. */
const LONG = "1h";
const SHORT = "2s";

const short = { env: { LASTCALL_STOP_TIMEOUT: SHORT } };

interface Stopped {
	readonly code: number;
	readonly lines: string[];
	readonly text: string;
}

async function start(handlers: readonly string[], options: AppOptions = {}): Promise<Lastcall> {
	const app = await startApp("stopping", {
		...options,
		args: handlers,
		env: { LASTCALL_STOP_TIMEOUT: LONG, ...options.env },
	});
	await app.lines.waitFor(/^up$/);
	return app;
}

/** Starts the app with these handlers, sends SIGTERM, and waits for its end. */
async function stop(handlers: readonly string[], options: AppOptions = {}): Promise<Stopped> {
	await using app = await start(handlers, options);
	app.kill("SIGTERM");
	return await end(app);
}

async function end(app: Lastcall): Promise<Stopped> {
	const { code } = await app.exit();
	const lines = linesOf(app).slice(1);
	return { code, lines, text: app.lines.text };
}

test("onStop() runs handlers in reverse order of registration, then the app exits with 0 and says nothing else", async () => {
	const { code, lines } = await stop(["first", "second"]);
	assert.equal(code, 0);
	assert.deepEqual(lines, [
		'second stopped: 60 min left, {"type":"signal","signal":"SIGTERM","number":15,"early":false}',
		"first stopped",
	]);
});

test("onStop() runs a handler after those that `after` names", async () => {
	const { code, lines } = await stop(["first", "after-first"]);
	assert.equal(code, 0);
	assert.deepEqual(lines, ["first stopped", "last stopped"]);
});

test("onStop() as an ordinary process, and without lastcall/register, does the same", async () => {
	for (const options of [{ asInit: false }, { registered: false }, { asInit: false, registered: false }])
		assert.equal((await stop(["first"], options)).code, 0);
});

test("onStop() keeps the code that the app has set", async () => {
	assert.equal((await stop(["first", "code"])).code, 9);
});

test("a handler that fails does not stop the others, and makes the exit code 1", async () => {
	const { code, text } = await stop(["first", "failing"]);
	assert.equal(code, 1);
	assert.match(text, /^lastcall: Stop handler "failing" failed: Error: cannot close/m);
	assert.match(text, /^first stopped$/m);
});

test("a handler beyond its own timeout is named, the next one is run, and the exit code is 124", async () => {
	const { code, text } = await stop(["first", "late-soon"]);
	assert.equal(code, 124);
	assert.match(text, /^lastcall: Stop handler "late-soon" had not finished after [\d.]+ m?s$/m);
	assert.match(text, /^first stopped$/m);
});

test("a handler beyond the deadline is aborted and named, and so is who had no time left", async () => {
	const { text } = await untilSaid(/^lastcall: Stopped late/m, 124, () => stop(["first", "late"], short));
	assert.match(text, /^late aborted$/m);
	assert.match(text, /^lastcall: Stop handler "late" had not finished/m);
	assert.match(text, /^lastcall: No time was left for stop handler "first"$/m);
	assert.match(text, /^lastcall: Stopped late: SIGTERM, \d\.\d s of 2\.0 s/m);
});

test("a handler that ends when its signal is aborted was not late", async () => {
	const { code, text } = await stop(["first", "obedient"]);
	assert.match(text, /^obedient ended$/m);
	assert.doesNotMatch(text, /lastcall/);
	assert.equal(code, 0);
});

// test/container/register.test.ts checks that the guard comes before the engine's SIGKILL. Here without it nothing would end.
suite("the guard ends the process when", () => {
	for (const [binding, nodeFlags] of BINDINGS) {
		for (const [handler, where] of [
			["busy", "in JavaScript"],
			["native", "in native code"],
		] as const) {
			test(`a handler blocks the main thread ${where} (${binding})`, async () => {
				const words = `lastcall: Stop handler "${handler}" blocks the event loop beyond the deadline, .*; not run: "first"; exit code 124$`;
				await untilSaid(new RegExp(words, "m"), 124, () =>
					stop(["first", handler], { env: { LASTCALL_STOP_TIMEOUT: "1s" }, nodeFlags }),
				);
			});
		}
	}

	test("a worker thread in native code holds the exit", async () => {
		const words = /lastcall: A thread in native code .*; exit code 0$/m;
		const { text } = await untilSaid(words, 0, async () => {
			await using app = await start(["first", "stuck-thread"]);
			await untilBlocked(app.pid, "stuck");
			app.kill("SIGTERM");
			return await end(app);
		});
		assert.match(text, /^first stopped$/m);
	});
});

test("a second SIGINT means now", async () => {
	await using app = await start(["first", "late"]);
	app.kill("SIGINT");
	await app.lines.waitFor(/^late begins$/);
	// At once it would count as the same Ctrl-C.
	await sleep(300);
	app.kill("SIGINT");
	const { code, text } = await end(app);
	assert.equal(code, 124);
	assert.match(text, /"late" had not finished after [\d.]+ m?s, when a second SIGINT came$/m);
});

test("an uncaught error or an unhandled rejection stops the app through its handlers, with 1", async () => {
	for (const [kind, said] of [
		["throwing", "lastcall: Uncaught error, stopping: Error: thrown later"],
		["rejecting", "lastcall: Uncaught error (unhandled rejection), stopping: Error: rejected later"],
	] as const) {
		await using app = await start(["first", "second", kind]);
		const { code, lines, text } = await end(app);
		assert.equal(code, 1);
		assert.ok(lines.includes(said), text);
		assert.match(text, /^second stopped: .*"type":"error"/m);
		assert.match(text, /^first stopped$/m);
	}
});

test("what a handler has printed arrives whole", async () => {
	const { code, lines } = await stop(["printing"]);
	assert.equal(code, 0);
	assert.equal(lines.length, 20_000);
});

test("what a handler has printed arrives whole at a reader that takes its time", async () => {
	using fifo = openFifo();
	let text = "";
	const chunk = Buffer.alloc(8_192);
	const take = () => {
		const bytes = attempt(() => readSync(fifo.reader, chunk)) ?? 0;
		text += chunk.toString("latin1", 0, bytes);
		return bytes;
	};
	await using app = await startApp("stopping", {
		args: ["printing"],
		env: { LASTCALL_STOP_TIMEOUT: LONG },
		stdout: fifo.writer,
	});
	await until(() => take() > 0 && text.includes("up\n"), "it is up");
	app.kill("SIGTERM");
	// Three times the wait for a reader that takes nothing at all: the pipe takes 64 KiB of the 200 at once.
	const reading = setInterval(take, 100);
	const { code } = await app.exit();
	clearInterval(reading);
	while (take() > 0);
	assert.equal(code, 0);
	assert.equal(text.split("\n").length, 20_002);
});

test("onStop() names a mistake when it is made", async () => {
	await using app = await startApp("mistaken");
	const { code } = await app.exit();
	assert.equal(code, 0, app.lines.text);
	assert.deepEqual(linesOf(app), [
		'UserError: Cannot register stop handler "http": there is one of that name already, expected another name',
		'UserError: Cannot register stop handler "db": found a cycle in "after" ("db" after "http" after "db"), expected none',
		'UserError: Cannot use "timeout" of stop handler "cache": "10" has no unit, expected a duration such as "10s"',
		'UserError: Cannot register stop handler "x" in a worker thread: signals reach the main thread only, so call onStop() there',
	]);
});
