/** Runs a program many times, stops it each time, and returns what happened as plain data. */
import { attempt } from "../base/errors.ts";
import { monotonicMs, within } from "../base/time.ts";
import type { JobStop, StopReport } from "../supervisor/events.ts";
import { type Late, type Look, watchCutOff, whereAre } from "./look.ts";
import type { Ending } from "./output.ts";
import { type ProbeResult, startProbe } from "./probe.ts";
import type { Actor, Ended, Stage } from "./stage.ts";

/** How often to look at the processes of a stop. */
const LOOK_MS = 25;
/** If the kernel does not tell what was cut off, processes count that were seen at most this long before the end. */
const SEEN_MS = 4 * LOOK_MS;
/** A zombie counts only if it stays one for this long. */
const ZOMBIE_MS = 200;
const SIGKILLED = 137;
/** The longest wait for a killed program to end. */
const KILL_MS = 10_000;
/** The longest wait for output after the first process has ended: processes that outlive it may hold the pipes. */
const DRAIN_MS = 500;

export interface Run {
	/** From the start to the stop signal, in milliseconds. */
	readonly signalledAfterMs: number;
	/**
	 * - `stopped`: it ended within the stop timeout
	 * - `late`: it had to be killed
	 * - `ended-before`: it had ended before the stop signal came
	 */
	readonly outcome: "stopped" | "late" | "ended-before";
	/** 128 + the number of the signal that ended it. */
	readonly exitCode: number;
	/** From the stop signal to the end of the first process, in milliseconds; 0 if there was no stop. */
	readonly stopMs: number;
	/** The command of the first process when the stop signal came. Absent if the processes cannot be seen. */
	readonly init?: string;
	/** The commands of all other processes at that moment. */
	readonly others: readonly string[];
	/** Whether the stop signal could have an effect on the first process when it came. */
	readonly listens?: boolean;
	/** The same a moment later: without a listener, Node.js resets its own handler when the signal comes. */
	readonly listensLater?: boolean;
	/** Names of the zombies before the stop. */
	readonly zombies: readonly string[];
	/** The processes that were still alive at the end of the stop timeout. */
	readonly late: readonly Late[];
	/** Processes that the kernel ended because the first process had ended. */
	readonly cutOff: readonly string[];
	/** The time from the last look at them to the end, in milliseconds. Absent if the kernel itself has told. */
	readonly seenMsBefore?: number;
	readonly output: Ending;
	/** The jobs that a lastcall inside the run had to end by force, from its log. */
	readonly killedJobs: readonly JobStop[];
	readonly probe?: ProbeResult;
}

export interface Plan {
	/** Milliseconds from the start to the stop signal, for each run. */
	readonly moments: readonly number[];
	/** Milliseconds after which a stop counts as late. */
	readonly budgetMs: number;
	readonly probe: URL | undefined;
}

/**
 * Rehearses each stop, one after another.
 *
 * @param onRun Called after each run.
 * @param signal Ends the rehearsal: nothing of the current run is left, and the result has only the runs before it.
 */
export async function rehearseAll(
	stage: Stage,
	{ moments, budgetMs, probe }: Plan,
	onRun: (done: number) => void,
	signal: AbortSignal,
): Promise<Run[]> {
	const aborted = new Promise<undefined>((resolve) => {
		signal.addEventListener("abort", () => resolve(undefined), { once: true });
	});
	const runs: Run[] = [];
	for (const moment of moments) {
		if (signal.aborted) break;
		await using actor = await stage.start();
		const run = await Promise.race([rehearseOnce(actor, moment, budgetMs, probe), aborted]);
		if (run) runs.push(run);
		onRun(runs.length);
	}
	return runs;
}

async function rehearseOnce(actor: Actor, moment: number, budgetMs: number, url: URL | undefined): Promise<Run> {
	let end: Ended | undefined;
	const ended = actor.ended.then((how) => {
		end = how;
	});
	const probe = url && startProbe(url);
	await within(ended, Math.max(0, actor.startedAt + moment - monotonicMs()));
	const before = await lookBefore(actor, ended);
	if (end) {
		await probe?.stop();
		const output = await endingOf(actor);
		const { code, at } = end;
		return { ...NOTHING, signalledAfterMs: at - actor.startedAt, outcome: "ended-before", exitCode: code, output };
	}
	const wereCutOff = before && actor.isVisible ? watchCutOff(before.others) : undefined;
	probe?.noteStop();
	const signalledAt = await actor.stop();
	const { first, last } = await watch(actor, () => end !== undefined, signalledAt + budgetMs, ended);
	let late: readonly Late[] = [];
	let isKilled = false;
	if (!end) {
		const look = await actor.look();
		late = look ? whereAre(look) : [];
		// It may have ended meanwhile.
		isKilled = !end;
		await actor.kill();
		await within(ended, KILL_MS);
	}
	const { code, at } = end ?? { code: SIGKILLED, at: monotonicMs() };
	const isLate = isKilled || at - signalledAt >= budgetMs;
	const result = await probe?.stop();
	const output = await endingOf(actor);
	const measured = isLate ? undefined : await actor.measure?.();
	const left = isLate ? [] : actor.leftBehind();
	const exact = wereCutOff?.() ?? [];
	const seen = !wereCutOff && last && at - last.at <= SEEN_MS ? last.others.map(({ command }) => command) : [];
	return {
		signalledAfterMs: signalledAt - actor.startedAt,
		stopMs: at - signalledAt,
		...measured,
		outcome: isLate ? "late" : "stopped",
		exitCode: isKilled ? SIGKILLED : code,
		...(before?.init && { init: before.init.command }),
		others: before?.others.map(({ command }) => command) ?? [],
		...(before?.listens !== undefined && { listens: before.listens }),
		...(first?.listens !== undefined && { listensLater: first.listens }),
		zombies: before?.zombies.map(({ command }) => command) ?? [],
		late,
		cutOff: isLate ? [] : [...new Set([...left, ...exact, ...seen])],
		...(seen.length > 0 && last && { seenMsBefore: at - last.at }),
		output,
		killedJobs: jobsKilledIn(actor.output.text),
		...(result && { probe: result }),
	};
}

const NOTHING = { stopMs: 0, others: [], zombies: [], late: [], cutOff: [], killedJobs: [] } as const;

/** Every ended child is a zombie until its parent gets a turn on a processor. So only zombies that stay count. */
async function lookBefore(actor: Actor, ended: Promise<unknown>): Promise<Look | undefined> {
	const look = await actor.look();
	if (!look || look.zombies.length === 0) return look;
	await within(ended, ZOMBIE_MS);
	const again = await actor.look();
	const pids = new Set(look.zombies.map(({ pid }) => pid));
	return again && { ...again, zombies: again.zombies.filter(({ pid }) => pids.has(pid)) };
}

/** Looks until the end or the deadline. Returns the first look, some time after the signal, and the last look. */
async function watch(
	actor: Actor,
	hasEnded: () => boolean,
	deadline: number,
	ended: Promise<unknown>,
): Promise<{ readonly first: Look | undefined; readonly last: Look | undefined }> {
	let first: Look | undefined;
	let last: Look | undefined;
	while (!hasEnded()) {
		const left = deadline - monotonicMs();
		if (left <= 0) break;
		await within(ended, actor.isVisible ? Math.min(LOOK_MS, left) : left);
		if (hasEnded() || !actor.isVisible) continue;
		const look = await actor.look();
		// The process has ended, but Node.js does not know it yet.
		if (!look?.init) continue;
		first ??= look;
		last = look;
	}
	return { first, last };
}

/** Node.js may report the exit before it has read all output from before the exit. */
async function endingOf({ output }: Actor): Promise<Ending> {
	await within(output.closed, DRAIN_MS);
	return output.ending;
}

/** Finds the jobs that a lastcall in the run has ended by force: the last `stop.finished` of its log names them. */
function jobsKilledIn(text: string): readonly JobStop[] {
	const lines = text.split("\n").filter((line) => line.includes('"event":"stop.finished"'));
	const report = attempt(() => (JSON.parse(lines.at(-1) ?? "") as { readonly report: StopReport }).report);
	return report?.jobs.filter(({ killed }) => killed) ?? [];
}
