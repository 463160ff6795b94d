/** Passes signals on: rewritten, dropped, to the program or to its whole group. */
import type { Tell } from "./notice.ts";
import type { Settings } from "./settings.ts";

/** @returns Whether it was sent on, as whatever signal. */
export function forward(
	received: number,
	pid: number,
	{ rewrites, reach }: Settings,
	tell: Tell,
): boolean {
	const number = rewrites.get(received) ?? received;
	if (number !== received)
		tell({ type: "signal.rewritten", number: received, to: number });
	if (number === 0) {
		tell({ type: "signal.dropped", number: received });
		return false;
	}
	tell({ type: "signal.forwarded", number });
	if (send(reach === "group" ? -pid : pid, number)) return true;
	tell({ type: "signal.undeliverable", number });
	return false;
}

/** @returns `false` if nobody is there, or who is there has become another user's. */
export function send(target: number, number: number): boolean {
	try {
		return process.kill(target, number);
	} catch {
		return false;
	}
}
