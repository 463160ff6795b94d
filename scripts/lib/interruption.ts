/**
 * Interruptions of a script: Ctrl-C, SIGTERM, a closed terminal. In a script that watches for them the signal does not end the
 * process. It ends the command at hand (command.ts); then the script cleans up, and exits.
 */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Listener = (signal: NodeJS.Signals) => void;

const listeners = new Set<Listener>();
let watching = false;
/** How many clean-ups are at work, one inside the other. */
let cleanUps = 0;
let first: NodeJS.Signals | undefined;

/** Thrown instead of starting a command, and instead of the result of one that was ended. */
export class Interrupted extends Error {
	readonly signal: NodeJS.Signals;

	constructor(signal: NodeJS.Signals) {
		super(`Interrupted by ${signal}`);
		this.signal = signal;
	}
}

/** From here on the signals are heard. */
export function watchForInterruption(): void {
	if (watching) return;
	watching = true;
	for (const signal of SIGNALS)
		process.on(signal, () => {
			first ??= signal;
			for (const listener of [...listeners]) listener(signal);
		});
	// Writing to a closed terminal fails.
	for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
	if (process.env.npm_lifecycle_event !== undefined) watchParent();
}

export function isWatching(): boolean {
	return watching;
}

/** The signal that came first. npm passes SIGINT on, so that one Ctrl-C comes twice. */
export function interruptedBy(): NodeJS.Signals | undefined {
	return first;
}

/** Throws if a signal has come, unless the script cleans up already. */
export function throwIfInterrupted(): void {
	if (first !== undefined && !isCleaningUp()) throw new Interrupted(first);
}

/** Within this, commands run whatever signals come: a second Ctrl-C does not end the clean-up. */
export async function cleanUp<Result>(action: () => Promise<Result>): Promise<Result> {
	cleanUps++;
	try {
		return await action();
	} finally {
		cleanUps--;
	}
}

export function isCleaningUp(): boolean {
	return cleanUps > 0;
}

/** Calls the listener for every signal. Use with `using`: it ends with the block. */
export function onInterruption(listener: Listener): Disposable {
	listeners.add(listener);
	return { [Symbol.dispose]: () => listeners.delete(listener) };
}

/** npm passes on SIGINT and SIGTERM only. Killed by another signal, it would leave the script running. */
function watchParent(): void {
	const parent = process.ppid;
	const timer = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(timer);
		process.kill(process.pid, "SIGHUP");
	}, 500);
	timer.unref();
}
