import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type AppOptions, linesOf, REGISTER, startApp } from "../helpers/app.ts";
import { until } from "../helpers/until.ts";
import { isUp } from "../helpers/up.ts";

suite("without stop handlers, as PID 1", () => {
	for (const [signal, expected] of [
		["SIGTERM", 143],
		["SIGINT", 130],
	] as const) {
		test(`${signal} ends the app with ${expected}`, async () => {
			await using app = await startApp("ticking");
			await app.lines.waitFor(/^tick$/);
			app.kill(signal);
			assert.equal((await app.exit()).code, expected);
		});

		test(`${signal} is ignored without lastcall/register`, async () => {
			await using app = await startApp("ticking", { registered: false });
			await app.lines.waitFor(/^tick$/);
			app.kill(signal);
			const from = app.lines.all.length;
			await app.lines.waitFor(/^tick$/, { from: from + 5 });
		});
	}

	test("a listener of the app decides", async () => {
		await using app = await startApp("own-listener");
		await app.lines.waitFor(/^up$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, 7);
		assert.deepEqual(linesOf(app), ["up", "own clean-up"]);
	});

	for (const how of ["busy", "empty", "deaf"])
		test(`an app that sends itself the signal again ends, as it would anywhere else: ${how}`, async () => {
			await using app = await startApp("re-raising", { args: [how] });
			await app.lines.waitFor(/^up$/);
			app.kill("SIGTERM");
			assert.equal((await app.exit()).code, 143);
			assert.deepEqual(linesOf(app), ["up", "own clean-up"]);
		});

	for (const how of ["very deaf", "saving"])
		test(`an app that takes off every listener of the process, or puts all back, can still be stopped: ${how}`, async () => {
			await using app = await startApp("re-raising", { args: [how] });
			await app.lines.waitFor(/^up$/);
			app.kill("SIGTERM");
			assert.equal((await app.exit()).code, 143);
		});

	test("signal-exit's listener is not taken for one that decides, and gets to clean up", async () => {
		await using app = await startApp("running-execa");
		await app.lines.waitFor(/^up, signal-exit listens 2$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, 143);
		assert.match(app.lines.text, /^exit listener: 143$/m);
	});

	test("a signal that comes while Node.js or the app is starting ends it", async () => {
		for (const delay of [0, 2, 5, 20, 60]) {
			await using app = await startApp("ticking");
			await until(() => isUp(app.pid), "Node.js is up");
			await sleep(delay);
			app.kill("SIGTERM");
			assert.equal((await app.exit()).code, 143, `after ${delay} ms`);
		}
	});

	test("a mistake in LASTCALL_STOP_TIMEOUT is said at the start", async () => {
		const env = { LASTCALL_STOP_TIMEOUT: "10" };
		await using app = await startApp("ticking", { env });
		assert.equal((await app.exit()).code, 2);
		assert.deepEqual(linesOf(app), [
			'lastcall: Cannot use LASTCALL_STOP_TIMEOUT: "10" has no unit, expected a duration such as "10s"',
		]);
	});
});

suite("an app ends by itself just as it does without lastcall/register", () => {
	/** Output and exit code, which is the signal's name if one ended it. */
	async function ending(options: AppOptions) {
		await using app = await startApp("ends", options);
		const { code } = await app.exit();
		return { code, lines: linesOf(app) };
	}

	for (const [way, expected] of [
		["empty", 0],
		["code", 3],
		["exit", 5],
		["throw", 1],
		["reject", 1],
		["unsettled", 13],
		["listening", 0],
	] as const) {
		test(way, async () => {
			for (const asInit of [true, false]) {
				const args = [way];
				const bare = await ending({ asInit, args, registered: false });
				assert.equal(bare.code, expected);
				assert.deepEqual(await ending({ asInit, args }), bare);
			}
		});
	}
});

suite("it does nothing", () => {
	test("outside PID 1: the signal ends the app, not we", async () => {
		await using app = await startApp("ticking", { asInit: false });
		await app.lines.waitFor(/^tick$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, "SIGTERM");
	});

	test("in worker threads and child processes, which inherit it", async () => {
		const inherited = { NODE_OPTIONS: REGISTER.join("=") };
		for (const options of [{}, { registered: false, env: inherited }]) {
			await using app = await startApp("inheriting", options);
			assert.equal((await app.exit()).code, 0, app.lines.text);
			assert.deepEqual(linesOf(app), ["main: 1 1 1 0", "worker: 0 0 0 0", "child: 0 0 0 0"]);
		}
	});
});

test("import 'lastcall/register' as the first line does the same as --import", async () => {
	await using app = await startApp("importing", { registered: false });
	await app.exit();
	assert.deepEqual(linesOf(app), ["main: 1"]);
});
