import assert from "node:assert/strict";
import { test } from "node:test";
import { startApp, untilSaid } from "../helpers/app.ts";

test("startJobs() runs jobs beside the app, and the app's stop stops them before what was opened earlier", async () => {
	await using app = await startApp("with-jobs");
	await app.lines.waitFor(/sleeper up/);
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	const { all } = app.lines;
	const story = [/"sleeper stopped"|^sleeper stopped$/, /^app stopped$/].map(
		(pattern) => all.findIndex((line) => pattern.test(line)),
	);
	assert.ok(
		story[0] !== -1 && (story[0] ?? 0) < (story[1] ?? 0),
		all.join("\n"),
	);
	for (const job of ["counter", "sleeper"])
		assert.match(
			app.lines.text,
			new RegExp(`"event":"job.exited","job":"${job}"`),
		);
});

test("an essential job of startJobs() that ends stops the app with its exit code", async () => {
	await using app = await startApp("with-jobs", { args: ["ending"] });
	assert.equal((await app.exit()).code, 5, app.lines.text);
	assert.match(app.lines.text, /^app stopped$/m);
});

test("a job of startJobs() that is late is killed and named, and the exit code is 124", async () => {
	const { text } = await untilSaid(/^app stopped$/m, 124, async () => {
		await using app = await startApp("with-jobs", {
			args: ["late"],
			env: { LASTCALL_STOP_TIMEOUT: "2s" },
		});
		await app.lines.waitFor(/"event":"job.ready","job":"busy"/);
		app.kill("SIGTERM");
		const { code } = await app.exit();
		return { code, text: app.lines.text };
	});
	assert.match(text, /"event":"job.killed","job":"busy"/);
});

test("a process job of startJobs() has stopped when its group has, and what its first process leaves behind is asked, too", async () => {
	await using app = await startApp("with-jobs", { args: ["wrapped"] });
	await app.lines.waitFor(/^worker up$/);
	await app.lines.waitFor(/^sleeper up$/);
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	assert.match(app.lines.text, /^worker stopped$/m);
});
