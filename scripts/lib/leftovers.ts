/**
 * Ends what a command has left behind: every process with a mark in its environment, and every descendant of one. A program that
 * daemonizes keeps the mark; a process in a container has another environment, but its shim or conmon has the mark.
 *
 * Invariants:
 * - Each process is known by its pid and its start, and looked at again right before a signal.
 * - Neither this process nor an ancestor of it gets a signal.
 */
import { setTimeout as delay } from "node:timers/promises";
import { allProcesses, commandOf, environmentOf, isRunning, type Process, readProcess } from "./processes.ts";

/** The mark of a run; its value is part of the names of the run's containers, too. */
export const RUN_VARIABLE = "LASTCALL_TEST_RUN";

/** Processes that are about to end anyway are not worth a word. */
const MOMENT_MS = 500;
/** Between SIGTERM and SIGKILL: a nested run has something to clean up, too. */
const GRACE_MS = 5_000;
/** After SIGKILL. */
const BOUND_MS = 5_000;
const POLL_MS = 20;

export class Leftovers {
	readonly #mark: string;
	readonly #known = new Map<string, Process>();

	constructor(runId: string) {
		this.#mark = `${RUN_VARIABLE}=${runId}`;
	}

	/** Remembers a process and its descendants: some have an environment of their own. To be called while their parents live. */
	note(pid: number): void {
		const root = readProcess(pid);
		if (root === undefined) return;
		this.#remember(root);
		this.#find();
	}

	/** Ends all of them, in bounded time. Returns those that did not end by themselves, as text. */
	async end(): Promise<string[]> {
		let left: readonly Process[] = [];
		let passes = 0;
		// One pass is not enough: in the middle of execve(2) a process shows no environment.
		const areGone = () => {
			left = this.#find();
			passes = left.length === 0 ? passes + 1 : 0;
			return passes === 2;
		};
		if (await this.#until(areGone, MOMENT_MS)) return [];
		const found = left.map(describe);
		await this.#signalAll("SIGTERM", GRACE_MS);
		await this.#signalAll("SIGKILL", BOUND_MS);
		this.#known.clear();
		return found;
	}

	/** Until none is left: a process that has been started meanwhile gets the signal as well. */
	async #signalAll(signal: NodeJS.Signals, ms: number): Promise<void> {
		const told = new Set<string>();
		await this.#until(() => {
			const living = this.#find();
			for (const process of living.filter((one) => !told.has(nameOf(one)))) {
				told.add(nameOf(process));
				kill(process, signal);
			}
			return living.length === 0;
		}, ms);
	}

	async #until(condition: () => boolean, ms: number): Promise<boolean> {
		const end = performance.now() + ms;
		for (;;) {
			if (condition()) return true;
			if (performance.now() > end) return false;
			await delay(POLL_MS);
		}
	}

	/** What runs of them at this moment: one pass over /proc. */
	#find(): Process[] {
		const all = allProcesses();
		const spared = ancestors(all);
		const candidates = all.filter(({ pid }) => !spared.has(pid));
		const found = new Set<number>();
		for (const process of candidates)
			if (this.#known.has(nameOf(process)) || environmentOf(process.pid).includes(this.#mark)) found.add(process.pid);
		// Children may stand before their parents.
		for (let before = -1; before !== found.size; ) {
			before = found.size;
			for (const { pid, parent } of candidates) if (found.has(parent)) found.add(pid);
		}
		const living = candidates.filter(({ pid }) => found.has(pid));
		for (const process of living) this.#remember(process);
		return living;
	}

	#remember(process: Process): void {
		this.#known.set(nameOf(process), process);
	}
}

/** This process and all above it. */
function ancestors(all: readonly Process[]): Set<number> {
	const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
	const found = new Set<number>();
	for (let pid: number | undefined = process.pid; pid; pid = parents.get(pid)) found.add(pid);
	return found;
}

function kill(leftover: Process, signal: NodeJS.Signals): void {
	try {
		if (isRunning(leftover)) process.kill(leftover.pid, signal);
	} catch {
		// It has just ended, or belongs to somebody else.
	}
}

function nameOf({ pid, started }: Process): string {
	return `${pid} ${started}`;
}

function describe({ pid, name }: Process): string {
	return `${(commandOf(pid) || name).slice(0, 80)} (pid ${pid})`;
}
