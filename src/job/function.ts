/** A job that is a function: a stop handler. */
import { errorInfo } from "../base/errors.ts";
import type { Job, JobExit } from "./job.ts";

/** A job that is a function, called when the job is asked to stop: a stop handler. Until then it has nothing to do. */
export class FunctionJob implements Job {
	readonly name: string;
	readonly id = 1;
	readonly #run: (signal: AbortSignal) => unknown;
	readonly #late = new AbortController();
	readonly #ended = Promise.withResolvers<JobExit>();
	readonly exited = this.#ended.promise;
	readonly gone = this.#ended.promise.then(() => {});

	/** @param run Its signal is aborted when the function is late. */
	constructor(name: string, run: (signal: AbortSignal) => unknown) {
		this.name = name;
		this.#run = run;
	}

	start(): void {}

	requestStop(): void {
		const call = async () => this.#run(this.#late.signal);
		call().then(
			() => this.#ended.resolve({ outcome: "finished" }),
			(error) => this.#ended.resolve({ outcome: "failed", error: errorInfo(error) }),
		);
	}

	signal(): boolean {
		return false;
	}

	giveWay(): void {}

	async locate(): Promise<undefined> {}

	/** Nothing can end a function: it is left behind, a turn of the event loop later. */
	kill(): boolean {
		this.#late.abort();
		setImmediate(() => this.giveUp());
		return true;
	}

	giveUp(): void {
		this.#ended.resolve({ outcome: "killed" });
	}

	release(): void {}
}
