import type { Readable } from "node:stream";
import { PATIENCE_MS } from "./until.ts";

export interface WaitOptions {
	/** Milliseconds. @default a minute */
	readonly timeout?: number;
}

/** Collects text as lines, and lets a test wait for one. */
export class Lines {
	/** Every complete line so far. */
	readonly all: string[] = [];
	/** By stream: a line of one must not be cut by what comes from another. */
	readonly #partial: string[] = [];
	#ended = false;
	readonly #followers = new Set<() => void>();
	readonly #waiting = new Set<() => void>();

	/** Follows one or more streams, for instance a child's stdout and stderr, until all have ended. */
	static from(...streams: Readable[]): Lines {
		const lines = new Lines();
		let open = streams.length;
		for (const [index, stream] of streams.entries()) {
			stream.setEncoding("utf8").on("data", (text: string) => lines.push(text, index));
			stream.once("close", () => {
				open -= 1;
				if (open === 0) lines.end();
			});
		}
		return lines;
	}

	push(text: string, stream = 0): void {
		const parts = ((this.#partial[stream] ?? "") + text).split(/\r?\n/);
		this.#partial[stream] = parts.pop() ?? "";
		this.all.push(...parts);
		for (const follow of this.#followers) follow();
		this.#wake();
	}

	/** Calls back after each piece of output, as soon as it has come. */
	onLines(callback: () => void): void {
		this.#followers.add(callback);
	}

	end(): void {
		this.#ended = true;
		this.#wake();
	}

	get ended(): boolean {
		return this.#ended;
	}

	/** Everything so far, with last lines that are not complete yet, such as a prompt. */
	get text(): string {
		return [...this.all, this.#partial.join("")].join("\n");
	}

	/**
	 * Resolves with the first line that matches, be it there already or still to come.
	 * Rejects at the end of the output or on timeout, with all the output so far.
	 *
	 * @param options.from index of the first line to look at: `lines.all.length` for new ones only
	 */
	waitFor(
		pattern: RegExp,
		{ timeout = PATIENCE_MS, from = 0 }: WaitOptions & { readonly from?: number } = {},
	): Promise<string> {
		let next = from;
		const look = (): string | undefined => {
			for (; next < this.all.length; next += 1) {
				const line = this.all[next];
				if (line !== undefined && line.search(pattern) !== -1) return line;
			}
			// A prompt never gets its line end, so the unfinished line counts as well.
			return this.#partial.find((line) => line?.search(pattern) >= 0);
		};
		return this.#wait(`a line that matches ${pattern}`, timeout, look);
	}

	/** Resolves when all the output has arrived. */
	async waitForEnd({ timeout = PATIENCE_MS }: WaitOptions = {}): Promise<void> {
		await this.#wait("the end of the output", timeout, () => (this.#ended ? true : undefined));
	}

	#wait<T>(what: string, timeout: number, look: () => T | undefined): Promise<T> {
		return new Promise((resolve, reject) => {
			const fail = (why: string) => {
				finish();
				reject(new Error(`Waited for ${what}, but ${why}. The output so far:\n${this.text}`));
			};
			const timer = setTimeout(() => fail(`none came in ${timeout} ms`), timeout);
			const check = () => {
				const found = look();
				if (found !== undefined) {
					finish();
					resolve(found);
				} else if (this.#ended) {
					fail("the output ended without it");
				}
			};
			const finish = () => {
				clearTimeout(timer);
				this.#waiting.delete(check);
			};
			this.#waiting.add(check);
			check();
		});
	}

	#wake(): void {
		for (const check of [...this.#waiting]) check();
	}
}
