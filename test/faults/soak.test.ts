/**
 * Everything goes wrong all the time: jobs crash and come back, orphans and daemons are left behind, visitors come and go,
 * some of them rude. Nothing may pile up by it. Beside it, for contrast, as many threads and processes come and go in a
 * bare Node.js: what grows there, too, is not ours.
 *
 * Memory is looked at twice. What lives in the main thread's heap after a full garbage collection hardly varies, so that a
 * leak in JavaScript shows soon. What the kernel counts has native memory in it, too, and goes up and down by megabytes
 * with each thread: to see as little there takes longer.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Status } from "../../src/observe/status.ts";
import type { Sample } from "../fixtures/soak/sample.ts";
import type { Visits } from "../fixtures/soak/visit.ts";
import { type Container, mustDocker, runContainer } from "../helpers/docker.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { growthInWords, measureGrowth, oldestZombie } from "../helpers/growth.ts";
import { fixtureImage } from "../helpers/images.ts";

const MINUTES = FULL ? 30 : 2.5;
/** Caches fill, code is compiled, the allocator takes what it will take. */
const WARM_UP_MINUTES = FULL ? 5 : 0.75;
const SAMPLE_MS = FULL ? 3_000 : 1_000;
const STRETCH_MINUTES = FULL ? 0.5 : 0.1;

/** All jobs together, at the least: else nothing is proven. */
const RESTARTS_PER_MINUTE = 100;
/** KiB that each restart may leave behind. In two minutes code is still being compiled, and little outside of the heap is seen. */
const BOUNDS = FULL ? { heap: 0.1, "native memory": 0.5, RSS: 1.5 } : { heap: 2, "native memory": 8, RSS: 32 };
/** How many more descriptors, say, there may be in the last third than in the first: they come and go with the jobs. */
const COUNT_BOUND = 5;
/** Of all visits. A starved machine may keep one waiting for longer than it is ready to. */
const WRONG_MAX = 0.02;
/** A forgotten zombie stays for ever; the others until the init, on a starved machine, comes to run. */
const ZOMBIE_MS = 60_000;

let image: string;
before(async () => {
	image = await fixtureImage();
});

test(`${MINUTES} minutes of crashes, orphans and visitors leave nothing behind`, async (t) => {
	await using container = await start(["run", "soak/lastcall.config.ts"]);
	await using bare = await start(["soak/bare.ts"], ["--entrypoint=node"]);
	const [samples, bareSamples, [visits = {}]] = await Promise.all([
		take<Sample>(container, "soak/sample.ts", SAMPLE_MS),
		take<Sample>(bare, "soak/sample.ts", SAMPLE_MS),
		take<Visits>(container, "soak/visit.ts"),
	]);
	const { stdout } = await container.exec(["lastcall", "status", "--json"]);
	const { jobs, orphansReaped } = JSON.parse(stdout) as Status;
	const restarts = sum(jobs.map(({ restarts }) => restarts));
	const growth = measureGrowth(samples, WARM_UP_MINUTES, STRETCH_MINUTES);
	keepFigures(t, "soak", "lastcall run", {
		minutes: MINUTES,
		restarts,
		"orphans reaped": orphansReaped,
		"status calls, commands and rude visitors": sum(Object.values(visits)),
		...growthInWords(growth),
	});
	await bare.stop();
	const [{ runs }] = JSON.parse(`[${(await bare.logs()).stdout}]`);
	keepFigures(t, "soak", "a bare Node.js beside it, for contrast", {
		minutes: MINUTES,
		restarts: runs,
		...growthInWords(measureGrowth(bareSamples, WARM_UP_MINUTES, STRETCH_MINUTES)),
	});

	assert.ok(restarts >= RESTARTS_PER_MINUTE * MINUTES, `${restarts} restarts`);
	const wrong = Object.entries(visits).filter(([visit]) => isWrong(visit));
	assert.ok(sum(wrong.map(([, count]) => count)) <= WRONG_MAX * sum(Object.values(visits)), JSON.stringify(wrong));
	for (const [what, { first, last }] of Object.entries(growth.counts))
		assert.ok(last - first <= COUNT_BOUND, `${what}: ${first} in the first third, ${last} in the last`);
	assert.ok(oldestZombie(samples) < ZOMBIE_MS);
	for (const what of ["heap", "native memory", "RSS"] as const) {
		const { perMinute, error } = growth.memory[what];
		const bound = BOUNDS[what] * (restarts / MINUTES);
		// Who is sure of more than that has found a leak.
		assert.ok(
			perMinute - 2 * error < bound,
			`${what}: ${perMinute} ± ${error} KiB a minute, expected less than ${bound}`,
		);
	}
	const { ms } = await container.stop();
	assert.ok(ms < 10_000, `stopped in ${ms} ms`);
	assert.equal(await container.exitCode(), 124, "the deaf thread was killed");
});

function start(args: readonly string[], flags: readonly string[] = []) {
	// The engine's own log driver reads all that is printed; it shall not fill the disk.
	const log = ["--log-driver=json-file", "--log-opt=max-size=20m"];
	return runContainer({ image, args, flags: [...flags, ...log] });
}

/** What a program says in the container, all the minutes long: JSON lines. */
async function take<Line>(container: Container, program: string, ...args: number[]): Promise<Line[]> {
	const ms = MINUTES * 60_000;
	const command = ["node", program, ...args.map(String), `${ms}`];
	// The last visitor may have to wait.
	const timeout = ms + 180_000;
	const said = await mustDocker(["exec", container.name, ...command], { timeout });
	return said.split("\n").map((line) => JSON.parse(line));
}

/** Answers other than those of most. */
const EXPECTED: Readonly<Record<string, string>> = {
	"GET /no/such/path": "404",
	// The program is there, and cannot be executed.
	"lastcall restart unrunnable": "1",
};

/** An answer that is not the one expected. */
function isWrong(visit: string): boolean {
	const [asked = "", answer] = visit.split(": ");
	if (answer === undefined) return false;
	return answer !== (EXPECTED[asked] ?? (asked.startsWith("GET") ? "200" : "0"));
}

function sum(values: readonly number[]): number {
	return values.reduce((all, value) => all + value, 0);
}
