// A task of piscina: waits until its flag is raised. Its thread stays, for the next task.
import { stamp } from "./stamp.mjs";

export default async function task({ flag }) {
	stamp();
	await Atomics.waitAsync(new Int32Array(flag), 0, 0).value;
}
