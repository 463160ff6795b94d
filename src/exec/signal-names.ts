import { constants } from "node:os";

export const MAX_SIGNAL = 64;

/** The number of an upper-case name such as `SIGTERM`. */
export function signalNumber(name: string): number | undefined {
	return Object.hasOwn(constants.signals, name)
		? constants.signals[name as NodeJS.Signals]
		: undefined;
}

/**
 * Reads a rewriting rule such as `15:3`: the received signal, and the one to send instead; 0 for none.
 *
 * @returns `undefined` if it is none.
 */
export function parseRewrite(
	text: string,
	max: number,
): readonly [from: number, to: number] | undefined {
	const match = /^(\d+):(\d+)$/.exec(text);
	if (!match) return undefined;
	const [from, to] = [Number(match[1]), Number(match[2])];
	return from >= 1 && from <= max && to <= max ? [from, to] : undefined;
}
