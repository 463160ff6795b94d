/** Standard output and error that cannot be written to. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Container, client, containerName, mustDocker, runArgs } from "../helpers/docker.ts";
import { keepFigures } from "../helpers/figures.ts";
import { fixtureImage } from "../helpers/images.ts";
import { Lines } from "../helpers/lines.ts";
import {
	ALL_WAYS,
	holdsUp,
	MAIN,
	MAJORS,
	MAY_MOUNT,
	PROMPT_MS,
	REGISTERED,
	type Surroundings,
	startCommand,
	startWay,
	stopsCleanly,
} from "../helpers/surroundings.ts";
import { until } from "../helpers/until.ts";

/** Descriptor 3 holds the reading end open, and nobody reads. */
const FULL_PIPE = {
	before: "mkfifo /tmp/pipe; exec 3<>/tmp/pipe; head -c 65536 /dev/zero >/tmp/pipe",
	redirect: ">/tmp/pipe 2>/tmp/pipe",
};
const READER_GONE = {
	before: "mkfifo /tmp/pipe; head -c 100 </tmp/pipe >/dev/null & :",
	redirect: ">/tmp/pipe 2>/tmp/pipe",
};
const DEV_FULL = { redirect: ">/dev/full 2>/dev/full" };

const BORNE: Readonly<Record<string, Surroundings>> = {
	"all three standard streams closed": { redirect: "<&- >&- 2>&-" },
	"a full pipe that nobody reads": FULL_PIPE,
	// No description of its own can be opened then.
	"the same without /proc": { ...FULL_PIPE, before: `umount -l /proc; ${FULL_PIPE.before}`, flags: MAY_MOUNT },
};

for (const major of MAJORS) {
	for (const [what, surroundings] of Object.entries(BORNE))
		for (const way of ALL_WAYS)
			test(`${what}: ${way} works and stops on Node.js ${major}`, async (t) => {
				await holdsUp(t, what, way, surroundings, major);
			});

	for (const [what, surroundings] of [
		["a reader that goes away", READER_GONE],
		["/dev/full", DEV_FULL],
	] as const) {
		for (const way of ["run", "tini"] as const)
			test(`${what}: ${way} works and stops on Node.js ${major}`, async (t) => {
				await holdsUp(t, what, way, surroundings, major);
			});

		test(`${what}: with register the error is the app's, on Node.js ${major}; its stop handlers run`, async (t) => {
			await using walled = await startWay("register", surroundings, major);
			await walled.untilRunning();
			assert.equal(await walled.container.wait(30_000), 1);
			walled.assertCleanShutdown();

			const app = [...REGISTERED, "apps/noting.ts", "tolerant"];
			const options = { major, parts: ["app"] };
			await using tolerant = await startCommand(app, surroundings, options);
			await tolerant.untilRunning();
			await tolerant.untilNoZombies();
			await stopsCleanly(t, `${what}: register, Node.js ${major}`, tolerant);
		});
	}
}

test("a standard stream that is closed is /dev/null for the program", async () => {
	const program = 'cd /proc/$$/fd; streams=$(readlink 0 1 2); echo "$streams" >/notes/streams';
	const command = [...MAIN, "--", "sh", "-c", program];
	const closed = { redirect: "<&- >&- 2>&-" };
	await using walled = await startCommand(command, closed);
	assert.equal(await walled.container.wait(30_000), 0);
	assert.deepEqual(walled.notes("streams"), Array(3).fill("/dev/null"));
});

for (const [what, code, command] of [
	["a program that is not there", 127, [...MAIN, "--", "nonexistent"]],
	["a wrong flag", 1, [...MAIN, "-Z", "true"]],
	["a configuration that is not there", 2, [...MAIN, "run", "nonexistent.ts"]],
	["an uncaught error of a registered app", 1, [...REGISTERED, "apps/stopping.ts", "first", "throwing"]],
	["a stop handler that fails", 1, [...REGISTERED, "apps/stopping.ts", "failing", "throwing"]],
] as const)
	test(`${what}: a full pipe that nobody reads does not hold the exit with ${code}`, async () => {
		await using walled = await startCommand(command, FULL_PIPE);
		assert.equal(await walled.container.wait(30_000), code);
	});

test("a docker run in the foreground that reads no more does not delay the stop of a job that floods it", async (t) => {
	await using container = new Container(containerName());
	const image = await fixtureImage();
	const args = ["run", "configs/flood-logged.json"];
	const attached = spawn(client, ["run", ...runArgs(container.name, { image, args })]);
	const ended = once(attached, "exit");
	try {
		const lines = Lines.from(attached.stdout, attached.stderr);
		await lines.waitFor(/flood 0/, { timeout: 60_000 });
		attached.kill("SIGSTOP");
		const newest = () => mustDocker(["logs", "--tail=1", container.name]);
		await until(
			async () => {
				const before = await newest();
				await sleep(500);
				return (await newest()) === before;
			},
			"the engine takes nothing any more",
			60_000,
		);
		const start = Date.now();
		const { Pid } = (await container.inspect()).State;
		await container.kill("TERM");
		// The engine tells only when its own reader has taken the rest.
		const gone = `until [ ! -d /proc/${Pid} ]; do sleep 0.05; done`;
		const args = ["--rm", "--pid=host", "--network=none", "--entrypoint=sh"];
		const named = `--name=${containerName()}`;
		await mustDocker(["run", named, ...args, image, "-c", gone], { timeout: 30_000 });
		attached.kill("SIGCONT");
		assert.equal(await container.wait(30_000), 0);
		const { FinishedAt } = (await container.inspect()).State;
		const ms = Date.parse(FinishedAt) - start;
		assert.ok(ms < PROMPT_MS, `took ${ms} ms`);
		keepFigures(t, "hostile surroundings", "a stopped docker run: run", { "until PID 1 was gone, ms": ms });
	} finally {
		attached.kill("SIGKILL");
		await ended;
	}
});
