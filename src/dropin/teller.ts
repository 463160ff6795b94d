/** Brings notices to standard error, and to standard output where tini does. */
import { Output } from "../os/output/output.ts";
import { dumbInitWords } from "./dumb-init.ts";
import { LEVELS, type Level, type Line, type Notice, type Tell } from "./notice.ts";
import type { Settings } from "./settings.ts";
import { tiniWords } from "./tini-words.ts";

export interface Teller {
	readonly tell: Tell;
	/**
	 * What is told is kept until here. To be called when the program has been started, or has not: a write that does not wait
	 * for a stalled reader needs a descriptor of its own, which the program would inherit.
	 */
	begin(): void;
	/** Drops what is kept. */
	forget(): void;
	/** Waits until everything has left, `ms` at the most. */
	flush(ms: number): Promise<void>;
}

/**
 * Nobody has words for these below "debug", but for the reaped with `warnOnReap`. They are not even worded then: a signal is on
 * its way, or a storm of orphans.
 */
const FOR_DEBUGGING: ReadonlySet<Notice["type"]> = new Set([
	"signal.received",
	"signal.rewritten",
	"signal.forwarded",
	"process.reaped",
]);
const DEBUG = LEVELS.indexOf("debug");

export function createTeller(settings: Settings): Teller {
	const { verbosity, json, warnOnReap } = settings;
	const { style } = settings.identity;
	const outputs = new Map<1 | 2, Output>();
	let kept: (readonly [1 | 2, string])[] | undefined = [];

	const write = (descriptor: 1 | 2, text: string) => {
		if (kept) {
			kept.push([descriptor, text]);
			return;
		}
		let output = outputs.get(descriptor);
		// What a reader was too slow for is dropped; there is nobody to tell but that reader.
		output ??= new Output(descriptor, () => {});
		outputs.set(descriptor, output);
		output.write(Buffer.from(text));
	};

	return {
		tell(notice) {
			const { type } = notice;
			if (verbosity < DEBUG && FOR_DEBUGGING.has(type)) if (type !== "process.reaped" || !warnOnReap) return;
			const lines = wordsFor(notice, settings);
			for (const [level, text] of lines) {
				if (LEVELS.indexOf(level) > Math.max(verbosity, 0)) continue;
				const quiet = style === "tini" && LEVELS.indexOf(level) >= LEVELS.indexOf("info");
				if (json) write(2, jsonLine(level, notice, text));
				else write(quiet ? 1 : 2, frame(level, text, style));
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

function wordsFor(notice: Notice, settings: Settings): readonly Line[] {
	const { identity, warnOnReap, apart } = settings;
	switch (identity.style) {
		case "dumb-init":
			return dumbInitWords(notice, apart === "session");
		case "tini":
			return tiniWords(notice, "Tini", warnOnReap);
		case "lastcall":
			return tiniWords(notice, "lastcall", warnOnReap);
	}
}

/** `[WARN  tini (1)] …`. */
export function frame(level: Level, text: string, style: Settings["identity"]["style"]): string {
	if (style === "dumb-init") return `[dumb-init] ${text}\n`;
	return `[${level.toUpperCase().padEnd(5)} ${style} (${process.pid})] ${text}\n`;
}

function jsonLine(level: Level, notice: Notice, msg: string): string {
	const { type, ...fields } = notice;
	const time = new Date().toISOString();
	return `${JSON.stringify({ level, time, event: type, ...fields, msg })}\n`;
}
