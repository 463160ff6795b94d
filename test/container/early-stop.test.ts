/** `docker stop` while the container is still starting. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt } from "../../src/errors.ts";
import { runContainer } from "../helpers/docker.ts";
import { exampleImage } from "../helpers/images.ts";
import { until } from "../helpers/until.ts";

const ROUNDS = 4;

let image: string;
before(async () => {
	image = await exampleImage();
});

/** Whether Node.js itself is up: it catches SIGTERM. Read from outside the container, so the engine has to run here. */
function isUp(pid: number): boolean {
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"));
	const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1] ?? "0";
	return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}

for (const delay of [5, 10, 20, 40, 80]) {
	test(`docker stop ${delay} ms after Node.js is up never waits for SIGKILL`, async () => {
		for (let round = 0; round < ROUNDS; round++) {
			await using container = await runContainer({ image });
			const { Pid } = (await container.inspect()).State;
			await until(() => isUp(Pid), "Node.js is up");
			await sleep(delay);
			await container.stop(5);
			assert.equal(
				await container.exitCode(),
				0,
				(await container.logs()).stdout,
			);
		}
	});
}
