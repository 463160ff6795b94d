/**
 * How many listeners of the process are the app's, beside the one of ours.
 *
 * signal-exit (under execa, proper-lockfile, npm and many more) listens to every signal while it has something to clean
 * up, and counts itself: it waits for others to decide, just as we do. It is not counted, and cleans up at the exit.
 */
export function otherListeners(event: string): number {
	const all = process.listenerCount(event) - 1;
	const watching = event.startsWith("SIG") ? signalExitListeners() : 0;
	return all - watching;
}

interface SignalExitEmitter {
	/** Copies of signal-exit that listen. */
	readonly count?: number;
}

function signalExitListeners(): number {
	const { [Symbol.for("signal-exit emitter")]: current } = globalThis as Record<
		symbol,
		SignalExitEmitter | undefined
	>;
	const { __signal_exit_emitter__: before4 } = process as {
		__signal_exit_emitter__?: SignalExitEmitter;
	};
	return (current?.count ?? 0) + (before4?.count ?? 0);
}
