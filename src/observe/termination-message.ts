/** The file that `kubectl describe pod` shows after a container has failed. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { attempt } from "../errors.ts";
import type { Event } from "../events.ts";
import { summarizeFailure } from "./report.ts";

/** Kubernetes shows no more. */
const MAX_BYTES = 4096;

/** Writes the summary of a run that failed into a file that is there; whether that works is not worth a failure of its own. */
export function writeTerminationMessage(path: string): (event: Event) => void {
	return (event) => {
		if (event.type !== "stop.finished" || event.report.exitCode === 0) return;
		const bytes = Buffer.from(summarizeFailure(event.report));
		attempt(() => {
			// Not made if it is missing; and whatever lies there must not block us.
			const { O_WRONLY, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants;
			const file = openSync(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY);
			writeSync(file, bytes.subarray(0, MAX_BYTES));
			closeSync(file);
		});
	};
}
