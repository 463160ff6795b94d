/** Sends the mails that are left when the server has stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobContext } from "lastcall";

export default async function mailer({ flag, ready }: JobContext) {
	ready();
	await flag.raised();
	for (let mail = 1; mail <= 5; mail++) {
		await sleep(40);
		console.log(`mailer: sent ${mail}`);
	}
}
