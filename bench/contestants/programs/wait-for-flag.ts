// wait-for-flag.mjs in TypeScript.
import { workerData } from "node:worker_threads";
import { stamp } from "./stamp.ts";

interface Data {
	readonly flag: SharedArrayBuffer;
}

const hold = setInterval(() => {}, 0x7fffffff);
const flag = new Int32Array((workerData as Data).flag);
stamp();
await Atomics.waitAsync(flag, 0, 0).value;
clearInterval(hold);
