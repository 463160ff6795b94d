/** Keeps the end of a run's output. */
import type { Readable } from "node:stream";

/** How many characters are kept: enough for the last lines, and for lastcall's record of a stop. */
const KEPT = 64 * 1024;

export interface Ending {
	/** The last line that is not blank. Empty if nothing was printed. */
	readonly lastLine: string;
	/** Whether a stream ended without a line feed: the last line may have been cut off. */
	readonly isCut: boolean;
}

export class Output {
	/** Settles when every process that holds the output has ended, or has closed it. */
	readonly closed: Promise<unknown>;
	#text = "";
	/** The last character of each stream. */
	readonly #last: string[] = [];

	/** Keeps the end of the streams' text, in the order in which the text arrives. */
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
