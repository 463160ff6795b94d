import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, startLastcall } from "../helpers/lastcall.ts";

const GENTLE = 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done';
const STUBBORN = "trap : TERM; echo up; while :; do sleep 0.05; done";

async function stopWith(script: string, asInit: boolean) {
	await using lastcall = await startLastcall(
		{ jobs: { job: { thread: fixture("daemonizing"), data: script } } },
		{ asInit },
	);
	await lastcall.waitFor("job.ready", "job");
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	return { code, report: lastcall.event("stop.finished").report };
}

for (const asInit of [true, false]) {
	const role = asInit ? "as PID 1" : "as a subreaper";

	test(`endStragglers() ${role} asks a daemon to stop, and waits for it`, async () => {
		const { code, report } = await stopWith(GENTLE, asInit);
		assert.equal(code, 0);
		assert.ok(
			report.stragglers.found.some(({ command }) => command.includes(GENTLE)),
			JSON.stringify(report.stragglers),
		);
		assert.deepEqual(report.stragglers.killed, []);
	});

	test(`endStragglers() ${role} kills a daemon that ignores SIGTERM, and names it`, async () => {
		const { code, report } = await stopWith(STUBBORN, asInit);
		assert.equal(code, 124);
		assert.ok(
			report.stragglers.killed.some(({ command }) =>
				command.includes(STUBBORN),
			),
			JSON.stringify(report.stragglers),
		);
		assert.ok(report.tookMs < 5_000, `took ${report.tookMs} ms`);
	});

	test(`endStragglers() ${role} ends a stopped daemon, too`, async () => {
		const { code, report } = await stopWith("echo up; kill -STOP $$", asInit);
		assert.equal(code, 0, JSON.stringify(report));
		assert.deepEqual(report.stragglers.killed, []);
	});
}
