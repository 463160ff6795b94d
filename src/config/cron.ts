/** Cron expressions, and the moments that they name. croner is loaded for the first expression. */
import { attempt, show } from "../base/errors.ts";
import { loadPackage } from "../base/packages.ts";

/**
 * @param timeZone An IANA name. @default the init's
 * @returns A function for the first moment after a given one, in ms since the epoch, if any. It never throws.
 * @throws {Error} if the expression is no cron expression.
 */
export function parseCron(expression: string, timeZone?: string): (after: number) => number | undefined {
	const { Cron } = loadPackage("croner");
	// No year: after that year the configuration would be a mistake. No date either, though croner accepts one.
	if (/^\s*\d{4}-/.test(expression)) throw new Error("found a date");
	const cron = new Cron(expression, { mode: "5-or-6-parts", ...(timeZone !== undefined && { timezone: timeZone }) });
	return (after) => attempt(() => cron.nextRun(new Date(after))?.getTime());
}

/** What is wrong with an expression, for an error message. `undefined`: nothing. */
export function explainBadCron(expression: string): string | undefined {
	try {
		return parseCron(expression)(Date.now()) === undefined ? "never comes" : undefined;
	} catch (error) {
		return `is no cron expression (${(error as Error).message.replace(/^CronPattern: /, "")})`;
	}
}

export function isTimeZone(name: string): boolean {
	return attempt(() => new Intl.DateTimeFormat("en", { timeZone: name })) !== undefined;
}

export function explainBadTimeZone({ input }: { input: string }): string {
	return `${show(input)} is no time zone that Node.js knows, expected one such as "Europe/Berlin"`;
}

/** A moment as a clock in the time zone shows it: `Sun 2026-11-29 03:00:00 GMT+1`. */
export function formatMoment(ms: number, timeZone: string | undefined): string {
	const text = { weekday: "short", timeZoneName: "short" } as const;
	const digits = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
	const format = new Intl.DateTimeFormat("en-GB", { ...text, ...digits, year: "numeric", timeZone });
	const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
	const { weekday, year, month, day, hour, minute, second, timeZoneName } = part;
	return `${weekday} ${year}-${month}-${day} ${hour}:${minute}:${second} ${timeZoneName}`;
}
