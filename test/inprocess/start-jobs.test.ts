import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../../src/observe/status.ts";
import { startApp, untilSaid } from "../helpers/app.ts";
import { fixture } from "../helpers/lastcall.ts";
import { freePort } from "../helpers/ports.ts";

test("startJobs() runs jobs beside the app, and the app's stop stops them before what was opened earlier", async () => {
	await using app = await startApp("with-jobs");
	await app.lines.waitFor(/sleeper up/);
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	const { all } = app.lines;
	const story = [/"sleeper stopped"|^sleeper stopped$/, /^app stopped$/].map((pattern) =>
		all.findIndex((line) => pattern.test(line)),
	);
	assert.ok(story[0] !== -1 && (story[0] ?? 0) < (story[1] ?? 0), all.join("\n"));
	for (const job of ["counter", "sleeper"])
		assert.match(app.lines.text, new RegExp(`"event":"job.exited","job":"${job}"`));
});

test("an essential job of startJobs() that ends stops the app with its exit code", async () => {
	await using app = await startApp("with-jobs", { args: ["ending"] });
	assert.equal((await app.exit()).code, 5, app.lines.text);
	assert.match(app.lines.text, /^app stopped$/m);
});

test("a job of startJobs() that is late is killed and named, and the exit code is 124", async () => {
	const { text } = await untilSaid(/^app stopped$/m, 124, async () => {
		await using app = await startApp("with-jobs", { args: ["late"], env: { LASTCALL_STOP_TIMEOUT: "2s" } });
		await app.lines.waitFor(/"event":"job.ready","job":"busy"/);
		app.kill("SIGTERM");
		const { code } = await app.exit();
		return { code, text: app.lines.text };
	});
	assert.match(text, /"event":"job.killed","job":"busy"/);
	assert.doesNotMatch(text, /SIGINT/);
});

test("a process job of startJobs() has stopped when its group has, and what its first process leaves behind is asked, too", async () => {
	await using app = await startApp("with-jobs", { args: ["wrapped"] });
	await app.lines.waitFor(/^worker up$/);
	await app.lines.waitFor(/^sleeper up$/);
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	assert.match(app.lines.text, /^worker stopped$/m);
});

test("a signal that came before startJobs() stops the app in a later turn, through its handlers", async () => {
	await using app = await startApp("with-jobs", {
		registered: false,
		nodeFlags: ["--import", fixture("../stop-early")],
	});
	assert.equal((await app.exit()).code, 0, app.lines.text);
	assert.match(app.lines.text, /^app stopped$/m);
});

test("/status of startJobs() has the version, and the stop timeout of the app", async () => {
	const port = await freePort();
	await using app = await startApp("with-jobs", { args: ["served", `${port}`], env: { LASTCALL_STOP_TIMEOUT: "20s" } });
	await app.lines.waitFor(/sleeper up/);
	const answer = await fetch(`http://127.0.0.1:${port}/status`);
	const { version, stopTimeoutMs } = (await answer.json()) as Status;
	assert.match(version, /^\d+\.\d+\.\d+/);
	assert.equal(stopTimeoutMs, 20_000);
});

test("a second startJobs() is refused, and leaves the port of its `http` free", async () => {
	const port = await freePort();
	await using app = await startApp("with-jobs", { args: ["twice", `${port}`] });
	await app.lines.waitFor(/^UserError: Cannot register stop handler "jobs": there is one of that name already/);
	await assert.rejects(fetch(`http://127.0.0.1:${port}/livez`));
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
});
