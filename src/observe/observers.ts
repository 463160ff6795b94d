/** Everybody who hears of events, made from the settings: log, state, report, termination message, servers. */
import type { LogSettings } from "../config/log-settings.ts";
import type { Settings } from "../config/schema.ts";
import { errorInfo, UserError } from "../errors.ts";
import type { Emit, Event } from "../events.ts";
import { isLogged } from "../logger.ts";
import type { Control } from "../supervisor/control.ts";
import { type Console, openConsole } from "./console.ts";
import { logEvents } from "./log.ts";
import { drawTimeline } from "./report.ts";
import { State } from "./state.ts";
import { writeTerminationMessage } from "./termination-message.ts";

export interface Observers {
	readonly emit: Emit;
	readonly console: Console;
	/** Opens the socket; what comes of it is an event. */
	openSocket(paths: readonly string[], control: Control): void;
	/** Removes the socket. */
	close(): void;
}

export interface ObserverOptions {
	readonly settings: Settings;
	readonly log: LogSettings;
	readonly isTerminal: boolean;
	/** Of the whole program. */
	readonly stopTimeoutMs: number;
	readonly terminationMessage: string | undefined;
}

/** Asking the terminal would take hold of standard output, and make it non-blocking for all who share it. */
const COLUMNS = 100;

/** @throws {UserError} if the configured port cannot be had. */
export async function openObservers({
	settings,
	log,
	isTerminal,
	stopTimeoutMs,
	terminationMessage,
}: ObserverOptions): Promise<Observers> {
	const console = openConsole(log, isTerminal, (bytes) =>
		emit({ type: "output.dropped", bytes }),
	);
	const state = new State(
		Object.entries(settings.jobs).map(([name, job]) => ({
			name,
			kind: "thread" in job ? "thread" : "process",
			essential: job.essential,
			dependsOn: job.dependsOn,
		})),
		stopTimeoutMs,
	);
	const observers: ((event: Event) => void)[] = [(event) => state.apply(event)];
	if (log.format === "pretty")
		observers.push((event) => {
			if (event.type === "stop.finished" && isLogged("info", log.level))
				console.print(drawTimeline(event.report, COLUMNS));
		});
	observers.push(logEvents(console.log, log.level));
	if (terminationMessage !== undefined)
		observers.push(writeTerminationMessage(terminationMessage));
	// An observer that fails must not take the supervisor with it. Its error is a fault of ours, and is reported as one.
	const emit: Emit = (event) => {
		for (const observe of observers)
			try {
				observe(event);
			} catch (error) {
				if (event.type !== "error.caught")
					emit({ type: "error.caught", error: errorInfo(error) });
			}
	};

	if (settings.http) await openPort(settings.http, state);
	let closeSocket = () => {};
	let finished = false;
	observers.push(({ type }) => {
		if (type === "stop.finished") finished = true;
	});
	return {
		emit,
		console,
		async openSocket(paths, control) {
			const { openSocket } = await import("./socket.ts");
			const { event, listening } = await openSocket(paths, state, control);
			if (listening) closeSocket = listening.close;
			// Nothing is told after the report.
			if (!finished) emit(event);
		},
		close: () => closeSocket(),
	};
}

async function openPort(
	where: { host: string; port: number },
	state: State,
): Promise<void> {
	const { serve } = await import("./server.ts");
	try {
		await serve(where, state);
	} catch (error) {
		throw new UserError(
			`Cannot use http: ${errorInfo(error).message}, expected an address of this machine with a free port`,
		);
	}
}
