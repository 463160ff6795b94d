/** Starts an app of test/fixtures/apps with `--import lastcall/register`: the built package, as users have it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Lastcall, type LastcallOptions, startNode } from "./lastcall.ts";

const APPS = join(import.meta.dirname, "../fixtures/apps");

export const REGISTER = ["--import", "lastcall/register"];

export interface AppOptions extends LastcallOptions {
	readonly args?: readonly string[];
	/** Of the file. @default "ts" */
	readonly extension?: string;
	/** @default true */
	readonly registered?: boolean;
}

export function startApp(name: string, options: AppOptions = {}): Promise<Lastcall> {
	const { args = [], extension = "ts", registered = true, nodeFlags = [], ...others } = options;
	return startNode([join(APPS, `${name}.${extension}`), ...args], {
		...others,
		nodeFlags: [...(registered ? REGISTER : []), ...nodeFlags],
	});
}

/**
 * What it has printed, without the guard's words: `process.exit()` has half a second, and where the machine is starved by
 * somebody else it takes longer.
 */
export function linesOf({ lines }: Lastcall): string[] {
	return lines.all.filter((line) => !/held the exit; exit code/.test(line));
}

/**
 * Stops apps until one has said something: where the machine is starved the guard may end an app before it has said all. The
 * code has to be right each time.
 */
export async function untilSaid<Stopped extends { readonly code: number; readonly text: string }>(
	words: RegExp,
	code: number,
	stopOnce: () => Promise<Stopped>,
): Promise<Stopped> {
	for (let tries = 1; ; tries++) {
		const stopped = await stopOnce();
		assert.equal(stopped.code, code, stopped.text);
		if (words.test(stopped.text)) return stopped;
		assert.ok(tries < 5, stopped.text);
	}
}
