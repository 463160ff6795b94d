/** What the program receives of the signals that its init is sent; a PID namespace of its own for each. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf, type Init, needs, ours, program, type RunningInit, startInit } from "../helpers/inits.ts";
import { onMusl } from "../helpers/musl.ts";
import { until } from "../helpers/until.ts";
import { isUp } from "../helpers/up.ts";

const SIGTERM = 15;
const SIGKILL = 9;
const SIGSTOP = 19;
/** The C library keeps these for its threads. */
const INTERNAL = onMusl ? [32, 33, 34] : [32, 33];

const ALL = Array.from({ length: 64 }, (_, index) => index + 1);
const MARKER = 28; // SIGWINCH
const SENT = ALL.filter((number) => ![SIGKILL, SIGSTOP, SIGTERM, MARKER, ...INTERNAL].includes(number));

async function listening(init: Init, flags: readonly string[] = []): Promise<RunningInit> {
	const running = await startInit(init, [...flags, "--", ...program("listen")]);
	await running.stdout.waitFor(/^ready$/);
	return running;
}

/** Numbers that the program has printed. */
function received({ stdout }: RunningInit): number[] {
	return stdout.all.filter((line) => line !== "ready").map(Number);
}

/** Sends one signal after the other, each once; the last one ends the program. */
async function receivedOfAll(init: Init): Promise<number[]> {
	await using running = await listening(init);
	for (const number of SENT) {
		const before = running.stdout.all.length;
		await running.kill(number, MARKER);
		// A marker tells what is not passed on from what is late: each gets its own.
		await until(
			() => running.stdout.all.slice(before).includes(String(MARKER)),
			`the marker behind signal ${number} arrives`,
		);
	}
	await running.kill(SIGTERM);
	assert.equal(await running.exit(), 0, running.stderr.text);
	return received(running);
}

/** How often each number is in there. */
function tally(numbers: readonly number[]): Record<number, number> {
	const counts: Record<number, number> = {};
	for (const number of numbers) counts[number] = (counts[number] ?? 0) + 1;
	return counts;
}

suite("every signal but SIGCHLD and the faults, once each", needs("tini"), () => {
	test("as tini", async () => {
		const [expected, found] = await Promise.all([receivedOfAll(["tini"]), receivedOfAll(ours("tini"))]);
		assert.deepEqual(tally(found), tally(expected));
		// Not SIGCHLD, SIGTTIN, SIGTTOU, and the seven of a fault; SIGTERM and the marker beside those in SENT.
		assert.equal(new Set(found).size, SENT.length - 10 + 2);
	});
});

test("real-time signals: 1,000 of one number in a burst all arrive", async () => {
	await using running = await listening(ours("lastcall"));
	const count = 1_000;
	await running.kill(...Array.from({ length: count }, () => 40));
	await until(() => received(running).length >= count, "all have arrived");
	await running.kill(SIGTERM);
	assert.equal(await running.exit(), 0);
	assert.deepEqual(tally(received(running)), { 40: count, 15: 1 });
});

if (onMusl)
	test("signal 34, which musl keeps for itself, does not end PID 1, and the next ones arrive", async () => {
		await using running = await listening(ours("lastcall"));
		await running.kill(34, 35);
		await running.stdout.waitFor(/^35$/);
		await running.kill(SIGTERM);
		assert.equal(await running.exit(), 0, running.stderr.text);
		assert.deepEqual(received(running), [35, 15]);
	});

test("signals arrive in the order in which they were sent", async () => {
	await using running = await listening(ours("lastcall"));
	const order = [10, 40, 12, 35, 1, 64, 3, 50];
	for (const number of order) {
		const before = received(running).length;
		await running.kill(number);
		await until(() => received(running).length > before, "it has arrived");
	}
	assert.deepEqual(received(running), order);
});

test("-g reaches every process of the group", async () => {
	await using running = await startInit(ours("lastcall"), [
		"-g",
		"--",
		"sh",
		"-c",
		'trap "echo parent; wait; exit" TERM; (trap "echo child; exit" TERM; echo ready; while :; do sleep 0.01; done) & wait',
	]);
	await running.stdout.waitFor(/ready/);
	await running.kill(SIGTERM);
	await running.exit();
	assert.deepEqual(running.stdout.all.toSorted(), ["child", "parent", "ready"]);
});

test("without -g only the program gets a signal", async () => {
	await using running = await startInit(ours("lastcall"), [
		"--",
		"sh",
		"-c",
		'trap "echo parent; exit" TERM; (trap "echo child; exit" TERM; echo ready; while :; do sleep 0.01; done) & wait',
	]);
	await running.stdout.waitFor(/ready/);
	await running.kill(SIGTERM);
	await running.exit();
	assert.deepEqual(running.stdout.all.toSorted(), ["parent", "ready"]);
});

test("SIGTERM at any moment of the start reaches the program, also with -g", async () => {
	for (const flags of [[], ["-g"]])
		for (const ms of flags.length === 0 ? [0, 2, 5, 10, 20, 40] : [1, 10, 30]) {
			await using running = await startInit(ours("lastcall"), [
				...flags,
				"--",
				"sh",
				"-c",
				'trap "exit 42" TERM; while :; do sleep 0.01; done',
			]);
			await until(() => isUp(running.pid), "Node.js is up");
			await sleep(ms);
			await running.kill(SIGTERM);
			const code = await running.exit();
			// The shell may not have come to its trap yet.
			assert.ok(code === 42 || code === 143, `${flags} ${ms} ms: ${code}`);
		}
});

test("no process lives beside the program", async () => {
	await using running = await listening(ours("lastcall"));
	const [main] = childrenOf(running.pid);
	assert.deepEqual(childrenOf(running.pid), [main]);
});
