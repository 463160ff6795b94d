import { parentPort, workerData } from "node:worker_threads";

const flag: Int32Array<SharedArrayBuffer> = workerData;
console.log("Thread counter started");
parentPort?.postMessage("ready");
let count = 0;
while (Atomics.load(flag, 0) === 0) {
	count++;
	Atomics.wait(flag, 0, 0, 500);
}
console.log(`Thread counter stopped at ${count}`);
