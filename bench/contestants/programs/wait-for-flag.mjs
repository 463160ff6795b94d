// A worker thread of by-hand.mjs: waits until the flag is raised.
import { workerData } from "node:worker_threads";
import { stamp } from "./stamp.mjs";

const hold = setInterval(() => {}, 0x7fffffff);
const flag = new Int32Array(workerData.flag);
stamp();
await Atomics.waitAsync(flag, 0, 0).value;
clearInterval(hold);
