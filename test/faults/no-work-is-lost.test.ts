/** Containers that work on a queue are stopped and started at random moments: what becomes of the items? */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { runContainer } from "../helpers/docker.ts";
import { keepFigures } from "../helpers/figures.ts";
import { queueImage } from "../helpers/images.ts";
import { BusyQueue } from "../helpers/queue.ts";
import { SEED, seededRandom } from "../helpers/random.ts";
import { figuresOf, stopAgainAndAgain, sum, workOff } from "../helpers/stops.ts";

const TOPIC = "no work is lost";
/** Seconds; a busy machine may take long for what is usually done in 0.2. */
const STOP_TIMEOUT = 30;

let image: string;
before(async () => {
	image = await queueImage();
});

/** A container on the queue; without flags and arguments it is lastcall with two threads and two processes. */
function runConsumers(queue: BusyQueue, name: string, flags: readonly string[] = [], args: readonly string[] = []) {
	const env = { REDIS_URL: queue.url, CONSUMER: name, LASTCALL_STOP_TIMEOUT: `${STOP_TIMEOUT}s` };
	return runContainer({ image, network: "host", env, flags, args });
}

test("100 docker stop/start cycles under load: no item lost, done twice or left behind, and each exit code is 0", async (t) => {
	t.diagnostic(`LASTCALL_FAULTS_SEED=${SEED}`);
	await using queue = await BusyQueue.start(seededRandom(), 100);
	// While the one is stopped the other takes what there is.
	await using a = await runConsumers(queue, "a");
	await using b = await runConsumers(queue, "b");
	const options = { queue, cycles: 50, seconds: STOP_TIMEOUT };
	const [ofA, ofB] = await Promise.all([
		stopAgainAndAgain(a, { ...options, name: "a", random: seededRandom(SEED + 1) }),
		stopAgainAndAgain(b, { ...options, name: "b", random: seededRandom(SEED + 2) }),
	]);
	const stops = [...ofA, ...ofB];
	await workOff(a, queue);
	const books = await queue.books();
	const early = stops.filter(({ ready }) => ready < 4);
	const left = sum(stops.map(({ leftBehind }) => leftBehind));
	const figures = {
		...figuresOf(stops, left, books),
		"stops before every consumer was ready": early.length,
		"items finished after the stop had come": sum(stops.map(({ late }) => late)),
	};
	keepFigures(t, TOPIC, "lastcall: two threads and two processes", figures);
	const dirty = stops.filter(({ code, leftBehind }) => code !== 0 || leftBehind > 0);
	assert.deepEqual(dirty, []);
	assert.deepEqual(books, { items: books.items, lost: 0, twice: 0, inHand: 0 });
	assert.ok(early.length > 0, "no stop came in the middle of a start");
	assert.ok(
		stops.some(({ late }) => late > 0),
		"no stop came in the middle of an item",
	);
});

/** The consumer of process.ts, but that it does not listen to SIGTERM. */
const WITHOUT_HANDLER = [
	"--input-type=module",
	"--eval",
	`import { consume } from "./consume.ts";
	await consume({ name: "deaf", signal: new AbortController().signal });`,
];

const WITHOUT_LASTCALL = [
	{
		what: "node as PID 1, no handler",
		flags: ["--entrypoint=node"],
		args: WITHOUT_HANDLER,
		// It waits for SIGKILL each time.
		seconds: 2,
		clean: false,
		code: 137,
	},
	{ what: "tini, no handler", flags: ["--init", "--entrypoint=node"], args: WITHOUT_HANDLER, clean: false, code: 143 },
	{
		what: "tini and a shell, two processes with handlers",
		flags: ["--init", "--entrypoint=sh"],
		args: ["-c", "node process.ts 1 & node process.ts 2 & wait"],
		clean: false,
		code: 143,
	},
	{
		what: "tini, one process with a handler",
		flags: ["--init", "--entrypoint=node"],
		args: ["process.ts"],
		clean: true,
		code: 0,
	},
];

describe("the same without lastcall", { concurrency: true }, () => {
	for (const { what, flags, args, clean, code, seconds } of WITHOUT_LASTCALL) {
		test(`${what}: ${clean ? "clean as well" : "items are left behind"}`, async (t) => {
			await using queue = await BusyQueue.start(seededRandom(), 25);
			await using container = await runConsumers(queue, "a", flags, args);
			const stops = await stopAgainAndAgain(container, {
				queue,
				name: "a",
				cycles: 10,
				random: seededRandom(),
				seconds: seconds ?? STOP_TIMEOUT,
			});
			await workOff(container, queue);
			const books = await queue.books();
			const left = sum(stops.map(({ leftBehind }) => leftBehind));
			keepFigures(t, TOPIC, what, figuresOf(stops, left, books));
			const all = JSON.stringify(stops);
			assert.equal(books.lost, 0, "what is left behind is found again");
			assert.ok(
				stops.some((stop) => stop.code === code),
				all,
			);
			assert.equal(left === 0, clean, all);
		});
	}
});
