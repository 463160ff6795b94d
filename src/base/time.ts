/** Time: a monotonic clock, durations as people write them, bounded waits. */
import { show, UserError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = {
	ms: 1,
	s: 1_000,
	m: 60_000,
	h: 3_600_000,
};

/** The longest delay of a Node.js timer; a longer one would fire at once. */
export const MAX_DURATION_MS = 2 ** 31 - 1;

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/y;

/**
 * Milliseconds of a duration such as `"500ms"`, `"10s"`, `"1m30s"` (Go's and Compose's notation).
 *
 * @returns `undefined` when the text is not a duration: no unit, unknown unit, negative, or over 24 days.
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
	// What rounding would make 1000 ms is a second, what it would make 60.0 s a minute.
	if (ms < 999.5) return `${Math.round(ms)} ms`;
	if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1_000);
	return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

/**
 * Reads a duration that came as text.
 *
 * @param where What to call it in the message: a flag, or a variable.
 * @returns `undefined` if there is none: a variable that is set but empty counts as unset (Compose writes it so).
 * @throws {UserError} if the text is no duration.
 */
export function readDuration(where: string, text: string | undefined): number | undefined {
	if (text === undefined || text === "") return undefined;
	const ms = parseDuration(text);
	if (ms !== undefined) return ms;
	throw new UserError(`Cannot use ${where}: ${explainBadDuration(text)}, expected a duration such as "10s"`);
}

// ==== from within.ts

/** Waits for a promise that never rejects, `ms` milliseconds at the most; they may be infinite. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
	const { promise: timeout, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, Math.min(ms, MAX_DURATION_MS));
	await Promise.race([promise, timeout]);
	clearTimeout(timer);
}

// ==== from clock.ts

/**
 * Milliseconds of a clock that nobody sets (CLOCK_MONOTONIC), since some moment: for differences only.
 *
 * It is the one of `performance.now()`. But the first look at `performance` loads a dozen modules of Node.js, in milliseconds that a
 * start has to wait for.
 */
export function monotonicMs(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}
