/** An asynchronous job: it never blocks its thread, and hands its flag's signal to whatever can be aborted. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobContext } from "lastcall";

export default async function heartbeat({ id, flag, log, ready }: JobContext) {
	console.log(`Thread ${id} (heartbeat) started`);
	ready();
	let beats = 0;
	try {
		while (!flag.isSet) {
			beats++;
			log.debug({ beats }, "Still alive");
			await flag.raised(500);
		}
	} finally {
		// Clean shutdown code may be asynchronous, too.
		await sleep(10);
		console.log(`Thread ${id} (heartbeat) stopped after ${beats} beats`);
	}
}
