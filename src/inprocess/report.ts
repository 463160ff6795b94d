/** What the stop says, on standard error, and only when something went wrong: the output of an app is its own. */
import { inspect } from "node:util";
import { formatDuration } from "../duration.ts";
import { attempt } from "../errors.ts";
import { writeNow } from "../os/stderr.ts";
import type { StopBudget } from "./budget.ts";
import type { AppStopReason, HandlerExit } from "./stop-handler.ts";

type Named = readonly { readonly name: string }[];

/** Straight to the descriptor: a stream would need further turns of the event loop. */
function say(line: string): void {
	writeNow(`lastcall: ${line}\n`);
}

export function handlerExit(
	name: string,
	exit: HandlerExit,
	hurried: boolean,
): void {
	if (exit.outcome === "failed")
		say(`Stop handler "${name}" failed: ${describe(exit.error)}`);
	if (exit.outcome === "late") {
		const waited = formatDuration(exit.waitedMs);
		const why = hurried ? ", when a second SIGINT came" : "";
		say(`Stop handler "${name}" had not finished after ${waited}${why}`);
	}
}

export function notRun(handlers: Named): void {
	say(`No time was left for stop handler ${list(handlers)}`);
}

export function unknown(names: readonly string[]): void {
	say(
		`Found ${names.map((name) => `"${name}"`).join(", ")} in "after", but no stop handler of that name: ignored`,
	);
}

/** The last line of a stop that was late. */
export function stoppedLate(
	reason: AppStopReason,
	tookMs: number,
	{ totalMs, source }: StopBudget,
): void {
	const why = reason.type === "signal" ? reason.signal : reason.type;
	say(
		`Stopped late: ${why}, ${formatDuration(tookMs)} of ${formatDuration(totalMs)} (${source}); exit code 124`,
	);
}

/** The guard's words while a handler runs: they are said only when the event loop was not there to do anything about it. */
export function blocked(
	name: string,
	notRun: Named,
	{ jobsMs, totalMs, source }: StopBudget,
): string {
	const others = notRun.length > 0 ? `; not run: ${list(notRun)}` : "";
	return `lastcall: Stop handler "${name}" blocks the event loop beyond the deadline, ${formatDuration(jobsMs)} of ${formatDuration(totalMs)} (${source})${others}; exit code 124`;
}

/** The guard's words when the process does not end by itself. */
export function heldAtEnd(code: number): string {
	return `lastcall: A thread in native code or an exit listener held the exit; exit code ${code}`;
}

/** As Node.js would have: the origin is said for a rejection, whose stack may lead nowhere. */
export function printUncaught(error: unknown, origin: string): void {
	const where = origin === "unhandledRejection" ? " (unhandled rejection)" : "";
	say(`Uncaught error${where}, stopping: ${describe(error)}`);
}

function describe(error: unknown): string {
	return attempt(() => inspect(error)) ?? "a value that cannot be described";
}

function list(handlers: Named): string {
	return handlers.map(({ name }) => `"${name}"`).join(", ");
}
