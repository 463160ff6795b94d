/** A job that is a function: a stop handler. */
import { errorInfo } from "../base/errors.ts";
import type { JobExit, Stoppable } from "./job.ts";

/** The function is called when the job is asked to stop. Until then the job has nothing to do: there is no start. */
export class FunctionJob implements Stoppable {
	readonly name: string;
	readonly id = 1;
	readonly #run: (signal: AbortSignal) => unknown;
	readonly #late = new AbortController();
	readonly #exited = Promise.withResolvers<JobExit>();
	readonly exited = this.#exited.promise;

	/** @param run Its signal is aborted when the function is late. */
	constructor(name: string, run: (signal: AbortSignal) => unknown) {
		this.name = name;
		this.#run = run;
	}

	requestStop(): void {
		const call = async () => this.#run(this.#late.signal);
		call().then(
			() => this.#exited.resolve({ outcome: "finished" }),
			(error) => this.#exited.resolve({ outcome: "failed", error: errorInfo(error) }),
		);
	}

	async locate(): Promise<undefined> {}

	/** Nothing can end a function. The job counts as killed one turn of the event loop later. */
	kill(): boolean {
		this.#late.abort();
		setImmediate(() => this.giveUp());
		return true;
	}

	giveUp(): void {
		this.#exited.resolve({ outcome: "killed" });
	}
}
