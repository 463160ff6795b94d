/** Sends one mail after the other; the one it has begun is sent to its end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobContext } from "lastcall";

export default async function mailer({ flag, ready, log }: JobContext) {
	ready();
	let sent = 0;
	while (!flag.isSet) {
		await sleep(20);
		sent++;
		await flag.raised(100);
	}
	log.info({ sent }, "Sent the last mail");
}
