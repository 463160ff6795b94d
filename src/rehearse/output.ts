/** The end of what a run has printed. */
import type { Readable } from "node:stream";

/** Enough for the last lines, and for a record of a stop. */
const KEPT = 64 * 1024;

export interface Ending {
	/** The last line with something in it. Empty if nothing was printed. */
	readonly lastLine: string;
	/** Whether a stream ended without a line feed: the last line may have been cut off. */
	readonly isCut: boolean;
}

export class Output {
	/** Settles when every process that could print has ended, or has closed its output. */
	readonly closed: Promise<unknown>;
	#text = "";
	/** What each stream has printed last. */
	readonly #last: string[] = [];

	/** Keeps the end of what comes over the streams, in the order of its arrival. */
	constructor(...streams: readonly Readable[]) {
		for (const [index, stream] of streams.entries())
			stream.setEncoding("utf8").on("data", (text: string) => {
				this.#text = (this.#text + text).slice(-KEPT);
				this.#last[index] = text.slice(-1);
			});
		this.closed = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once("close", resolve))));
	}

	get text(): string {
		return this.#text;
	}

	get ending(): Ending {
		const lastLine = this.#text.trimEnd().split(/\r?\n/).at(-1) ?? "";
		return { lastLine, isCut: this.#last.some((character) => character !== "\n") };
	}
}
