/** A storm of orphans: none stays a zombie, nobody's own child is taken away, the stop works. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { compile } from "../helpers/c-programs.ts";
import type { TestDirectory } from "../helpers/directory.ts";
import { type Container, runContainer } from "../helpers/docker.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { exampleImage } from "../helpers/images.ts";
import { jobThere, startService } from "../helpers/service.ts";

/** More than the 32,768 pids that a kernel has by default: they come round again. */
const ORPHANS = FULL ? 100_000 : 40_000;
const MANY = `${ORPHANS.toLocaleString("en")} orphans`;
const CHILDREN = 200;
// Bounds what the storm can take of the machine; at the limit it waits for the init to reap.
const LIMIT = "--pids-limit=4000";
const DONE = { timeout: 240_000 };

let programs: TestDirectory;
before(async () => {
	programs = await compile("orphans");
});
after(() => programs[Symbol.dispose]());

const flags = () => [LIMIT, `--volume=${programs.path}:/c:ro`];

/** CPU time of PID 1 so far, in seconds. */
async function cpuSeconds(container: Container): Promise<number> {
	const { stdout } = await container.exec(["cat", "/proc/1/stat"]);
	// proc_pid_stat(5): utime and stime are the 14th and 15th field; the second may have blanks.
	const [user, system] = stdout
		.replace(/^.*\) /, "")
		.split(" ")
		.slice(11, 13);
	return (Number(user) + Number(system)) / 100;
}

async function zombies(container: Container): Promise<number> {
	const { stdout } = await container.exec(["sh", "-c", "cat /proc/[0-9]*/stat"]);
	assert.match(stdout, /^1 \(/m);
	return stdout.match(/^\d+ \(.*\) Z /gm)?.length ?? 0;
}

test(`run: ${MANY} beside jobs with children of their own: 0 zombies left, every child's exit arrives, the stop is clean`, async (t) => {
	await using service = await startService(
		{
			jobs: {
				one: { thread: jobThere("spawning"), data: CHILDREN },
				two: { thread: jobThere("spawning"), data: CHILDREN },
				storm: { command: ["/c/orphans", String(ORPHANS)], essential: false },
			},
		},
		{ flags: flags() },
	);
	const start = performance.now();
	await service.waitForLine(new RegExp(`^orphans: left ${ORPHANS} behind$`), DONE);
	for (const job of ["one", "two"])
		await service.waitForLine(new RegExp(`^${job}: ${CHILDREN} children, 0 wrong$`), DONE);
	await service.untilStatus(({ orphansReaped }) => orphansReaped >= ORPHANS, "every orphan is reaped");
	const seconds = (performance.now() - start) / 1_000;
	const cpu = await cpuSeconds(service);
	const left = await zombies(service);
	assert.equal(left, 0);
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);
	keepFigures(t, "storms", `${MANY}, run`, {
		"zombies left": left,
		"exits of children lost": 0,
		"orphans per second": Math.round(ORPHANS / seconds),
		"CPU seconds of PID 1": cpu,
		"docker stop, ms": Math.round(ms),
	});
});

test(`in place of tini: ${MANY}: 0 zombies left, SIGTERM reaches the program, its exit code is the container's`, async (t) => {
	await using container = await runContainer({
		image: await exampleImage(),
		flags: flags(),
		args: ["--", "sh", "-c", `trap 'exit 7' TERM; /c/orphans ${ORPHANS}; while :; do sleep 0.05; done`],
	});
	const start = performance.now();
	await container.waitForLine(new RegExp(`^orphans: left ${ORPHANS} behind$`), DONE);
	const seconds = (performance.now() - start) / 1_000;
	// The last ones may be about to be reaped.
	let left = await zombies(container);
	for (let tries = 0; left > 0 && tries < 50; tries++) left = await zombies(container);
	assert.equal(left, 0);
	const cpu = await cpuSeconds(container);
	const { ms } = await container.stop();
	assert.equal(await container.exitCode(), 7);
	keepFigures(t, "storms", `${MANY}, in place of tini`, {
		"zombies left": left,
		"orphans per second": Math.round(ORPHANS / seconds),
		"CPU seconds of PID 1": cpu,
		"docker stop, ms": Math.round(ms),
	});
});
