/** Watches a run from its start until it is ready, or has taken too long. */
import { pollUntilReady, type Readiness } from "../job/readiness.ts";

export interface StartTerms {
	readonly readiness: Readiness;
	/** Milliseconds; may be infinite. */
	readonly startTimeoutMs: number;
}

export interface StartHooks {
	/** A probe has found it ready. Of the other kinds of readiness the job itself tells. */
	readonly onReady: () => void;
	/** @param detail What the last look at it found. */
	readonly onTimeout: (detail: string) => void;
}

/** @param signal Ends the watch: nothing is told after that, and nothing waits. */
export function watchStart(
	{ readiness, startTimeoutMs }: StartTerms,
	signal: AbortSignal,
	{ onReady, onTimeout }: StartHooks,
): void {
	let detail =
		readiness.type === "notify"
			? "no READY=1 at NOTIFY_SOCKET, which only the user of the init can reach"
			: `no sign of readiness (${readiness.type})`;
	if (readiness.type === "http" || readiness.type === "tcp") {
		const ready = pollUntilReady(readiness, signal, (message) => {
			detail = message;
		});
		void ready.then(() => {
			if (!signal.aborted) onReady();
		});
	}
	if (!Number.isFinite(startTimeoutMs)) return;
	const timer = setTimeout(() => onTimeout(detail), startTimeoutMs);
	signal.addEventListener("abort", () => clearTimeout(timer));
}
