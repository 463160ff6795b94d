/** Time: a monotonic clock, durations as people write them, bounded waits. */
import { show, UserError } from "./errors.ts";

/** The longest delay of a Node.js timer. A longer one would fire at once. */
export const MAX_DURATION_MS = 2 ** 31 - 1;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/y;

/**
 * Milliseconds of a duration such as `"500ms"`, `"10s"`, `"1m30s"` (the notation of Go and Compose).
 *
 * @returns `undefined` if the text is not a duration: no unit, an unknown unit, negative, or over 24 days.
 */
export function parseDuration(text: string): number | undefined {
	let total = 0;
	PART.lastIndex = 0;
	while (PART.lastIndex < text.length) {
		const match = PART.exec(text);
		if (!match) return undefined;
		total += Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN);
	}
	return text !== "" && total <= MAX_DURATION_MS ? Math.round(total) : undefined;
}

/** Why a value is not a duration, for an error message: `10 has no unit`. */
export function explainBadDuration(value: unknown): string {
	const bare = typeof value === "number" || (typeof value === "string" && /^\d+(\.\d+)?$/.test(value));
	return `${show(value)} ${bare ? "has no unit" : "is not a duration"}`;
}

/** Milliseconds for a reader: `"350 ms"`, `"1.2 s"`, `"2 m 5 s"`. */
export function formatDuration(ms: number): string {
	// What would be rounded to 1000 ms is a second, what would be rounded to 60.0 s is a minute.
	if (ms < 999.5) return `${Math.round(ms)} ms`;
	if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1_000);
	return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

/**
 * Reads a duration from the command line or the environment.
 *
 * @param where How the error message names it: a flag, or a variable.
 * @returns Milliseconds; `undefined` if the text is missing or empty (Compose can set a variable to nothing).
 * @throws {UserError} if the text is not a duration.
 */
export function readDuration(where: string, text: string | undefined): number | undefined {
	if (text === undefined || text === "") return undefined;
	const ms = parseDuration(text);
	if (ms !== undefined) return ms;
	throw new UserError(`Cannot use ${where}: ${explainBadDuration(text)}, expected a duration such as "10s"`);
}

/** Waits for a promise that never rejects, for at most `ms` milliseconds, which may be infinite. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
	const { promise: timeout, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, Math.min(ms, MAX_DURATION_MS));
	await Promise.race([promise, timeout]);
	clearTimeout(timer);
}

/**
 * Milliseconds of CLOCK_MONOTONIC, a clock that nobody sets. It has no epoch: only differences mean something.
 *
 * `performance.now()` reads the same clock. But the first use of `performance` loads a dozen modules of Node.js, which
 * delays a start by milliseconds.
 */
export function monotonicMs(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}

/** One Ctrl-C may arrive twice: the terminal sends SIGINT to the whole group, and `node --watch` passes its own on. */
const ONE_PRESS_MS = 200;

/** @returns Call it for each SIGINT: it is true once, for the first one that comes from a second press of Ctrl-C. */
export function secondPress(): () => boolean {
	let firstAt: number | undefined;
	return () => {
		firstAt ??= monotonicMs();
		if (monotonicMs() - firstAt < ONE_PRESS_MS) return false;
		firstAt = Number.POSITIVE_INFINITY;
		return true;
	};
}
