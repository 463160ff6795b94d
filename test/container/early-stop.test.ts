/** `docker stop` while the container is still starting. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runContainer } from "../helpers/docker.ts";
import { exampleImage } from "../helpers/images.ts";
import { until } from "../helpers/until.ts";
import { isUp } from "../helpers/up.ts";

const ROUNDS = 4;

let image: string;
before(async () => {
	image = await exampleImage();
});

for (const delay of [5, 10, 20, 40, 80]) {
	test(`docker stop ${delay} ms after Node.js is up never waits for SIGKILL`, async () => {
		for (let round = 0; round < ROUNDS; round++) {
			await using container = await runContainer({ image });
			const { Pid } = (await container.inspect()).State;
			await until(() => isUp(Pid), "Node.js is up");
			await sleep(delay);
			await container.stop(5);
			assert.equal(await container.exitCode(), 0, (await container.logs()).stdout);
		}
	});
}
