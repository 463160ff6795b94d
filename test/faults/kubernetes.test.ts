/** examples/kubernetes as a pod that podman plays: what the platform sees of it, and what becomes of the items it works on. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirectory } from "../helpers/directory.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { queueImage } from "../helpers/images.ts";
import { ask, watch } from "../helpers/kubelet.ts";
import { type Changes, forPodman, readManifest } from "../helpers/manifest.ts";
import { needsPodman, type Pod, type Podman, startPodman } from "../helpers/podman.ts";
import { freePort } from "../helpers/ports.ts";
import { BusyQueue } from "../helpers/queue.ts";
import { seededRandom } from "../helpers/random.ts";
import { figuresOf, sum } from "../helpers/stops.ts";
import { until } from "../helpers/until.ts";

const TOPIC = "no work is lost";
/** Items, most of what a pod can do: it seldom waits for one. */
const PER_SECOND = 100;
const { pod: spec, container } = readManifest("queue");
const { startupProbe, readinessProbe, livenessProbe } = container;
const GRACE = spec.terminationGracePeriodSeconds;

const podmanIsHere = needsPodman();
let podman: Podman | undefined;
let image: string;
before(async () => {
	if (podmanIsHere.skip) return;
	podman = startPodman();
	image = await podman.load(await queueImage());
});
after(() => podman?.[Symbol.asyncDispose]());

/** The file that the kubelet would make for the termination message. */
function messageFile() {
	const directory = makeDirectory({ message: "" });
	const path = join(directory.path, "message");
	chmodSync(path, 0o666);
	return { path, read: () => readFileSync(path, "utf8"), [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

async function play(queue: BusyQueue, changes: Omit<Changes, "image" | "env">): Promise<Pod> {
	if (podman === undefined) throw new Error("Found no podman");
	const env = { REDIS_URL: queue.url };
	return podman.play(...forPodman({ image, env, ...changes }));
}

function untilStarted(port: number): Promise<void> {
	const isReady = async () => (await ask(startupProbe, port)) === 200;
	return until(isReady, "the pod is ready", 120_000);
}

function untilBusy(pod: Pod, queue: BusyQueue): Promise<void> {
	const isBusy = async () => (await queue.inHand(pod.name)).length > 0;
	return until(isBusy, "the pod has items in hand", 60_000);
}

interface Stopped {
	readonly code: number;
	readonly ms: number;
	readonly lines: readonly string[];
	/** Items finished after the consumers had been asked to stop. */
	readonly late: number;
	/** Items that nobody works on any more, and that are not back in the queue. */
	readonly leftBehind: number;
}

async function stop(pod: Pod, queue: BusyQueue, grace: number): Promise<Stopped> {
	const { ms } = await pod.stop(grace);
	const code = await pod.exitCode(container.name);
	const lines = await pod.lines(container.name);
	const late = sum(lines.map((line) => Number(/(\d+) of them after the/.exec(line)?.[1] ?? 0)));
	const leftBehind = (await queue.inHand(pod.name)).length;
	await pod.down();
	return { code, ms, lines, late, leftBehind };
}

test(
	"the probes see a pod that becomes ready, leaves its endpoints at the stop, and lives until it has ended",
	podmanIsHere,
	async (t) => {
		using message = messageFile();
		const port = await freePort();
		await using queue = await BusyQueue.start(seededRandom(), PER_SECOND);
		await using readiness = watch(readinessProbe, port);
		await using liveness = watch(livenessProbe, port);
		await using pod = await play(queue, { port, message: message.path });
		await untilStarted(port);
		await untilBusy(pod, queue);
		const stopped = await stop(pod, queue, GRACE);
		assert.equal(stopped.code, 0, stopped.lines.join("\n"));
		assert.equal(message.read(), "", "nothing to say of a clean stop");
		const ready = readiness.seen.join(" ");
		const alive = liveness.seen.join(" ");
		assert.match(ready, /^(0 )?(503 )?200 503( 0)?$/);
		assert.match(alive, /^(0 )?200( 0)?$/);
		const { report } = findEvent(parseEvents(stopped.lines), "stop.finished");
		for (const { job, askedMs = 0 } of report.jobs) assert.ok(askedMs >= 2_000, `${job} worked on while it drained`);
		t.diagnostic(`readiness: ${ready}; liveness: ${alive}`);
	},
);

test(
	"a pod is stopped under load again and again: no item lost, done twice or left behind, and each exit code is 0",
	podmanIsHere,
	async (t) => {
		using message = messageFile();
		const random = seededRandom();
		const stops: Stopped[] = [];
		const count = FULL ? 20 : 5;
		await using queue = await BusyQueue.start(seededRandom(), PER_SECOND);
		while (stops.length < count) {
			const port = await freePort();
			await using pod = await play(queue, { port, message: message.path });
			await untilStarted(port);
			await untilBusy(pod, queue);
			await sleep(random.between(0, 200));
			if (stops.length === count - 1) await queue.drain();
			stops.push(await stop(pod, queue, GRACE));
		}
		const books = await queue.books();
		const leftBehind = sum(stops.map((one) => one.leftBehind));
		const late = sum(stops.map((one) => one.late));
		keepFigures(t, TOPIC, "Kubernetes: a pod is stopped under load", {
			...figuresOf(stops, leftBehind, books),
			"drain delay, ms": 2_000,
			"items finished after the stop had come": late,
		});
		for (const { code, leftBehind, lines } of stops) assert.deepEqual([code, leftBehind], [0, 0], lines.join("\n"));
		assert.deepEqual(books, { items: books.items, lost: 0, twice: 0, inHand: 0 });
		assert.ok(stops.every(({ ms }) => ms < GRACE * 1000));
		assert.ok(late > 0, "no stop came in the middle of an item");
	},
);

test(
	"a pod is killed without a grace period: the next of its name does what was left in hand, and no item is lost",
	podmanIsHere,
	async (t) => {
		using message = messageFile();
		const port = await freePort();
		await using queue = await BusyQueue.start(seededRandom(), PER_SECOND);
		const changes = { port, message: message.path };
		await using first = await play(queue, changes);
		await untilStarted(port);
		await untilBusy(first, queue);
		const killed = await stop(first, queue, 0);
		await using second = await play(queue, changes);
		await untilStarted(port);
		await queue.drain();
		const { code } = await stop(second, queue, GRACE);
		const books = await queue.books();
		keepFigures(t, TOPIC, "Kubernetes: a pod is killed, and the next does the rest", {
			"exit code": killed.code,
			"items left behind": killed.leftBehind,
			"items done": books.items,
			"items lost": books.lost,
			"items done twice": books.twice,
		});
		assert.equal(killed.code, 137);
		assert.equal(code, 0);
		assert.ok(killed.leftBehind > 0, "it had nothing in hand");
		assert.equal(books.lost + books.inHand, 0);
	},
);

test(
	"a pod with a job that does not stop ends with 124 inside its grace period, and its termination message names the job",
	podmanIsHere,
	async (t) => {
		using message = messageFile();
		// A second of it is kept for naming and killing who is late: on a busy machine half a second is little.
		const grace = 10;
		const port = await freePort();
		await using queue = await BusyQueue.start(seededRandom(), PER_SECOND);
		const deaf = "trap '' TERM; echo deaf: running; while :; do sleep 1; done";
		await using pod = await play(queue, {
			port,
			message: message.path,
			grace,
			jobs: { deaf: { command: ["sh", "-c", deaf] } },
		});
		await pod.waitForLine(container.name, /^deaf: running/, { timeout: 60_000 });
		await untilStarted(port);
		await untilBusy(pod, queue);
		const { code, lines, leftBehind } = await stop(pod, queue, grace);
		// SIGKILL by the platform would be 137.
		assert.equal(code, 124, lines.join("\n"));
		const { report } = findEvent(parseEvents(lines), "stop.finished");
		await queue.endLoad();
		const books = await queue.books();
		keepFigures(t, TOPIC, "Kubernetes: a pod has a job that does not stop", {
			"exit code": code,
			"stop, s": Number((report.tookMs / 1000).toFixed(1)),
			"grace period, s": grace,
			"items lost": books.lost,
			"items done twice": books.twice,
			"items left behind": leftBehind,
		});
		assert.ok(report.tookMs < grace * 1000, `took ${report.tookMs} ms`);
		assert.match(
			message.read(),
			/^Exit code 124, stopped in 9\.\d s of 10\.0 s: SIGTERM\ndeaf: killed after \d\.\d s: .*sh -c/,
		);
		// The consumers beside it have stopped in time.
		assert.equal(leftBehind, 0);
		assert.deepEqual(books, { items: books.items, lost: 0, twice: 0, inHand: 0 });
	},
);
