/** A synchronous job: it blocks its thread between two turns, and wakes at once when its flag is raised. */
import type { JobContext } from "lastcall";

export default function counter({ id, data, flag, ready }: JobContext<{ step: number }>) {
	console.log(`Thread ${id} (counter) started`);
	ready();
	let count = 0;
	while (!flag.isSet) {
		count += data.step;
		flag.wait(500);
	}
	// Clean shutdown code: whatever has to be done before the thread may go.
	console.log(`Thread ${id} (counter) stopped at ${count}`);
}
