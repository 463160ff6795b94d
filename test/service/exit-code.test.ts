import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobExit } from "../../src/job/job.ts";
import { exitCode } from "../../src/service/exit.ts";
import type { JobStop, StopReason } from "../../src/supervisor/events.ts";

const error = { name: "Error", message: "x" };
const finished: JobExit = { outcome: "finished" };
const failed: JobExit = { outcome: "failed", error };
const killed: JobExit = { outcome: "killed" };
const stuck: JobExit = { outcome: "stuck" };

const asked: StopReason = { type: "signal", signal: "SIGTERM", number: 15, early: false };

function exited(code: number): JobExit {
	return { outcome: "exited", code };
}

function because(exit: JobExit): StopReason {
	return { type: "job", job: "job0", exit };
}

function stops(...exits: JobExit[]): JobStop[] {
	return exits.map((exit, index) => ({ job: `job${index}`, exit, tookMs: 0 }));
}

/** They had ended before the stop. */
function before(...exits: JobExit[]): JobStop[] {
	return stops(...exits).map((stop) => ({ ...stop, endedBefore: true }));
}

const CALM = { stragglersForced: false, hadErrors: false };
const FORCED = { stragglersForced: true, hadErrors: false };
const WITH_ERRORS = { stragglersForced: false, hadErrors: true };

test("exitCode() is 0 when every job joined after a request", () => {
	assert.equal(exitCode(asked, stops(finished, exited(0)), CALM), 0);
	assert.equal(exitCode({ type: "idle" }, stops(finished), CALM), 0);
	assert.equal(exitCode(because(finished), stops(finished), CALM), 0);
	assert.equal(exitCode(asked, [], CALM), 0);
});

test("exitCode() is 1 when a job failed, ran out of memory, did not start, or exited with an error", () => {
	const failures: JobExit[] = [
		failed,
		{ outcome: "out-of-memory", error },
		{ outcome: "not-started", error },
		exited(3),
	];
	for (const exit of failures) {
		assert.equal(exitCode(asked, stops(finished, exit), CALM), 1);
		assert.equal(exitCode({ type: "idle" }, before(exit), CALM), 1);
	}
	assert.equal(exitCode(because(failed), before(failed), CALM), 1);
});

test("exitCode() is the code of the essential job whose end began the stop", () => {
	assert.equal(exitCode(because(exited(7)), stops(exited(7)), CALM), 7);
	assert.equal(exitCode(because(exited(7)), stops(exited(7), failed), CALM), 7);
	assert.equal(exitCode(because(exited(0)), stops(exited(0)), CALM), 0);
});

test("exitCode() is 128 + n for the signal that ended that job, also where Node.js has no name for the signal", () => {
	for (const [signal, code] of [
		["SIGTERM", 143],
		["SIGPOLL", 157],
		["SIGRTMIN+6", 168],
		["signal 32", 160],
	] as const) {
		const exit: JobExit = { outcome: "signaled", signal };
		assert.equal(exitCode(because(exit), before(exit), CALM), code);
	}
});

test("exitCode() is 124 when anything had to be killed, whatever else happened", () => {
	for (const late of [killed, stuck]) {
		assert.equal(exitCode(asked, stops(finished, late), CALM), 124);
		assert.equal(exitCode(because(exited(7)), stops(exited(7), late), CALM), 124);
		assert.equal(exitCode({ type: "error", error }, stops(late), CALM), 124);
	}
	assert.equal(exitCode(asked, stops(finished), FORCED), 124);
});

test("exitCode() does not count what had ended before the stop", () => {
	for (const exit of [failed, killed, stuck, exited(7)]) {
		const jobs: JobStop[] = [...before(exit), ...stops(finished)];
		assert.equal(exitCode(asked, jobs, CALM), 0);
		assert.equal(exitCode(because(finished), jobs, CALM), 0);
		assert.equal(exitCode(because(exited(9)), jobs, CALM), 9);
	}
	assert.equal(exitCode({ type: "idle" }, before(finished, killed), CALM), 124);
	assert.equal(exitCode(because(stuck), before(stuck), CALM), 124);
});

test("exitCode() is 1 when the main thread threw, though every job joined", () => {
	assert.equal(exitCode({ type: "error", error }, stops(finished), WITH_ERRORS), 1);
});
