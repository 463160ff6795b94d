import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

const flag: Int32Array<SharedArrayBuffer> = workerData;
console.log("Thread heartbeat started");
parentPort?.postMessage("ready");
// Waiting for shared memory does not keep a thread alive.
const hold = setInterval(() => {}, 1_000_000);
let beats = 0;
while (Atomics.load(flag, 0) === 0) {
	beats++;
	await Atomics.waitAsync(flag, 0, 0, 500).value;
}
await sleep(10);
clearInterval(hold);
console.log(`Thread heartbeat stopped after ${beats} beats`);
