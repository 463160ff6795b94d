/** Prints messages to standard error, and to standard output where tini does. */
import { Output } from "../os/output/output.ts";
import { dumbInitMessages } from "./dumb-init.ts";
import { LEVELS, type Level, type Line, type Message, type Print } from "./message.ts";
import type { Settings } from "./settings.ts";
import { tiniMessages } from "./tini-messages.ts";

const INFO = LEVELS.indexOf("info");
const DEBUG = LEVELS.indexOf("debug");

/**
 * Messages that are printed at "debug" only, except a reaped process with `warnOnReap`. At other levels their texts are
 * not even made: that would delay a signal, or the reaping of a storm of orphans.
 */
const FOR_DEBUGGING: ReadonlySet<Message["type"]> = new Set([
	"signal.received",
	"signal.rewritten",
	"signal.forwarded",
	"process.reaped",
]);

export interface Printer {
	readonly print: Print;
	/**
	 * Prints what was kept so far, and from now on everything at once. Must be called after the spawn, successful or not: a
	 * write that does not wait for a stalled reader needs a descriptor of its own, which the program would inherit.
	 */
	begin(): void;
	/** Drops what was kept so far. */
	forget(): void;
	/** Waits until everything is written, for `ms` milliseconds at most. */
	flush(ms: number): Promise<void>;
}

export function createPrinter(settings: Settings): Printer {
	const { identity, verbosity, json, warnOnReap = false } = settings;
	const outputs = new Map<1 | 2, Output>();
	let kept: (readonly [descriptor: 1 | 2, text: string])[] | undefined = [];

	const write = (descriptor: 1 | 2, text: string) => {
		if (kept) return void kept.push([descriptor, text]);
		// What a slow reader misses is dropped without a report: only that reader could read it.
		const output = outputs.get(descriptor) ?? new Output(descriptor, () => {});
		outputs.set(descriptor, output);
		output.write(Buffer.from(text));
	};

	return {
		print(message) {
			const isWarning = message.type === "process.reaped" && warnOnReap;
			if (verbosity < DEBUG && FOR_DEBUGGING.has(message.type) && !isWarning) return;
			for (const [level, text] of linesFor(message, settings)) {
				const rank = LEVELS.indexOf(level);
				if (rank > Math.max(verbosity, 0)) continue;
				if (json) write(2, jsonLine(level, message, text));
				else write(identity.style === "tini" && rank >= INFO ? 1 : 2, frame(level, text, identity.style));
			}
		},
		begin() {
			const lines = kept ?? [];
			kept = undefined;
			for (const line of lines) write(...line);
		},
		forget() {
			if (kept) kept = [];
		},
		async flush(ms) {
			await Promise.all([...outputs.values()].map((output) => output.flush(ms)));
		},
	};
}

function linesFor(message: Message, { identity, warnOnReap = false, apart }: Settings): readonly Line[] {
	if (identity.style === "dumb-init") return dumbInitMessages(message, apart === "session");
	return tiniMessages(message, identity.style === "tini" ? "Tini" : "lastcall", warnOnReap);
}

/** `[WARN  tini (1)] …`. */
export function frame(level: Level, text: string, style: Settings["identity"]["style"]): string {
	if (style === "dumb-init") return `[dumb-init] ${text}\n`;
	return `[${level.toUpperCase().padEnd(5)} ${style} (${process.pid})] ${text}\n`;
}

function jsonLine(level: Level, { type, ...fields }: Message, msg: string): string {
	const time = new Date().toISOString();
	return `${JSON.stringify({ level, time, event: type, ...fields, msg })}\n`;
}
