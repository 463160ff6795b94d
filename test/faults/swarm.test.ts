/** examples/swarm on a real engine: a service that works on a queue is updated while items keep coming. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { containerName } from "../helpers/docker.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { queueImage } from "../helpers/images.ts";
import { BusyQueue } from "../helpers/queue.ts";
import { SEED, seededRandom } from "../helpers/random.ts";
import { figuresOf } from "../helpers/stops.ts";
import { ensureSwarm, Stack } from "../helpers/swarm.ts";
import { until } from "../helpers/until.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/swarm/stack.yml");
const UPDATES = FULL ? 20 : 5;
const REPLICAS = 2;

/** The queue is on this machine's loopback. */
const ON_HOST = `version: "3.8"
services:
  consumers:
    networks: [host]
networks:
  host:
    external: true
    name: host
`;

test(`${UPDATES} rolling updates of a Swarm service under load: no item lost or done twice, no container killed, each exit code is 0`, async (t) => {
	const image = await queueImage();
	await using swarm = await ensureSwarm();
	t.diagnostic(`LASTCALL_FAULTS_SEED=${SEED}; the swarm: ${swarm.origin}`);
	using directory = makeDirectory({ "host.yml": ON_HOST });
	await using queue = await BusyQueue.start(seededRandom(), 60);
	await using stack = new Stack({
		name: containerName(),
		service: "consumers",
		files: [EXAMPLE, join(directory.path, "host.yml")],
		env: { IMAGE: image, REDIS_URL: queue.url, MONITOR: "1s" },
	});
	for (let release = 0; release <= UPDATES; release++) await stack.deploy({ RELEASE: `${release}` });
	await queue.drain();
	await stack.remove();
	const ends = REPLICAS * (UPDATES + 1);
	await until(() => stack.deaths.length >= ends, "every end is known");

	const books = await queue.books();
	const { deaths } = stack;
	keepFigures(t, "no work is lost", "rolling updates of a Swarm service", {
		updates: UPDATES,
		...figuresOf(deaths, books.inHand, books),
	});
	assert.equal(deaths.length, ends);
	assert.deepEqual(
		deaths.filter(({ code, signals }) => code !== 0 || signals.join() !== "15"),
		[],
	);
	assert.deepEqual(books, { items: books.items, lost: 0, twice: 0, inHand: 0 });
});
