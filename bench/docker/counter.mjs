import { workerData as flag, parentPort } from "node:worker_threads";

console.log("Thread counter started");
parentPort.postMessage("ready");
let count = 0;
while (Atomics.load(flag, 0) === 0) {
	count++;
	Atomics.wait(flag, 0, 0, 500);
}
console.log(`Thread counter stopped at ${count}`);
