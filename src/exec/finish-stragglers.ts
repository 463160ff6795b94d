/** `--kill-stragglers`: SIGTERM, then SIGKILL, for whatever is left once the program has ended. */
import { endStragglers } from "../os/stragglers.ts";
import type { Tell } from "./notice.ts";

/** Between SIGTERM and SIGKILL, when no stop timeout says how long. */
const STOP_MS = 5_000;
/** They get at least so long, even when the stop timeout has passed. */
const LEAST_STOP_MS = 200;
const KILL_MS = 1_000;

export async function finishStragglers(
	leftMs: number | undefined,
	tell: Tell,
): Promise<void> {
	const stopMs = Math.max(leftMs ?? STOP_MS, LEAST_STOP_MS);
	const report = await endStragglers({ stopMs, killMs: KILL_MS });
	if (report.found.length > 0) tell({ type: "stragglers.ended", ...report });
}
