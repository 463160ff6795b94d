/** A PID namespace that is not ours alone: nobody in it who is none of ours may ever get a signal from us. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
	ALL_WAYS,
	holdsUp,
	MAIN,
	MAJORS,
	startCommand,
	startWay,
	stopsCleanly,
	type Walled,
} from "../helpers/surroundings.ts";

const WITNESS = ["sh", "programs/witness.sh", "witness"];

/** Notes the signals that it gets; in the host's PID namespace, or PID 1 of its own. */
async function startWitness(flags: readonly string[] = []): Promise<Walled> {
	const options = { parts: ["witness"] };
	const witness = await startCommand(WITNESS, { flags }, options);
	await witness.untilRunning();
	return witness;
}

async function assertUntouched(witness: Walled): Promise<void> {
	assert.deepEqual(witness.notes("witness"), ["running"]);
	assert.equal((await witness.container.inspect()).State.Running, true);
	// It would have noted this one.
	await witness.container.kill("USR1");
	for (let i = 0; i < 500 && witness.notes("witness").length < 2; i++) await sleep(10);
	assert.deepEqual(witness.notes("witness"), ["running", "signal 10"]);
}

/** Ours by its user and session, beside the engine. */
class Sleeper implements AsyncDisposable {
	readonly #process: ChildProcess = spawn("sleep", ["1000"]);

	assertUntouched(): void {
		const { exitCode, signalCode } = this.#process;
		assert.deepEqual([exitCode, signalCode], [null, null]);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#process.exitCode !== null || this.#process.signalCode) return;
		const ended = once(this.#process, "exit");
		this.#process.kill("SIGKILL");
		await ended;
	}
}

/** A daemon, and then the work: in a session of its own, its parent gone. */
const leaving = (atTerm: string) => [
	"sh",
	"-c",
	`setsid sh -c 'trap "$0" TERM; echo running >>/notes/daemon; while :; do sleep 0.05; done' '${atTerm}' &
	exec sh programs/noting.sh starter`,
];
const GENTLE = "echo clean shutdown >>/notes/daemon; exit 0";
const DEAF = ":";

async function startLeaving(
	init: "run" | readonly string[],
	atTerm: string,
	flags: readonly string[],
): Promise<Walled> {
	const program = leaving(atTerm);
	const config = JSON.stringify({ jobs: { starter: { command: program } } });
	const file = "/tmp/lastcall.config.json";
	const walled = await startCommand(
		init === "run" ? [...MAIN, "run", file] : [...init, ...program],
		{ flags: [...flags, `--env=CONFIG=${config}`], before: `printf %s "$CONFIG" >${file}` },
		{ parts: ["daemon", "starter"] },
	);
	await walled.untilRunning();
	return walled;
}

for (const major of MAJORS)
	for (const way of ALL_WAYS)
		test(`docker run --init: ${way} works below the engine's init, and stops on Node.js ${major}`, async (t) => {
			await holdsUp(t, "docker run --init", way, { flags: ["--init"] }, major);
		});

test("docker run --init: run asks a daemon to stop, and waits for it", async () => {
	await using walled = await startLeaving("run", GENTLE, ["--init"]);
	const { code } = await walled.stop();
	assert.equal(code, 0, await walled.output());
	walled.assertCleanShutdown();
});

for (const shared of ["host", "container"] as const) {
	const what = `--pid=${shared}`;

	/** The others in it; as root, so that nothing but care keeps us from them. */
	async function startOthers() {
		const witness = await startWitness(shared === "host" ? ["--user=0", what] : ["--user=0"]);
		const { name } = witness.container;
		const flag = shared === "host" ? what : `${what}:${name}`;
		return { witness, flags: ["--user=0", flag] };
	}

	for (const major of MAJORS)
		for (const way of ALL_WAYS)
			test(`${what}: ${way} stops, and touches nobody else, on Node.js ${major}`, async (t) => {
				await using sleeper = new Sleeper();
				const { witness, flags } = await startOthers();
				await using others = witness;
				await using walled = await startWay(way, { flags }, major);
				await walled.untilRunning();
				// Ours; orphans that go to somebody else are his to reap.
				const { Pid } = (await walled.container.inspect()).State;
				if (shared === "host") await walled.untilNoZombies(Pid);
				await stopsCleanly(t, `${what}: ${way}, Node.js ${major}`, walled);
				sleeper.assertUntouched();
				await assertUntouched(others);
			});

	for (const [name, init, atTerm, code] of [
		["run waits for its own daemon", "run", GENTLE, 0],
		["run kills its own deaf daemon", "run", DEAF, 124],
		[
			"tini as a subreaper with --kill-stragglers waits for its own daemon",
			[...MAIN, "-s", "--kill-stragglers", "--"],
			GENTLE,
			0,
		],
		[
			"tini with --kill-stragglers, -g and --stop-timeout leaves a daemon that is not below it any more alone",
			[...MAIN, "--kill-stragglers", "-g", "--stop-timeout", "5s", "--"],
			GENTLE,
			0,
		],
	] as const)
		test(`${what}: ${name}, and touches nobody else`, async () => {
			await using sleeper = new Sleeper();
			const { witness, flags } = await startOthers();
			await using others = witness;
			await using walled = await startLeaving(init, atTerm, flags);
			const stop = await walled.stop();
			const output = await walled.output();
			assert.equal(stop.code, code, output);
			walled.assertCleanShutdown(["starter"]);
			const asked = atTerm === GENTLE && !name.includes("not below");
			if (asked) walled.assertCleanShutdown(["daemon"]);
			else assert.deepEqual(walled.notes("daemon"), ["running"]);
			sleeper.assertUntouched();
			await assertUntouched(others);
		});
}
