/**
 * Liveness: checks a job again and again, and reports it if it has not answered for too long. Loaded only if needed.
 *
 * No false alarms: if the init itself got no turn (`docker pause`, a starved machine), the job got none either, and a
 * failed check says nothing about it. So the job's count of failures starts again. Only the monotonic clock is read: it
 * does not jump, and it does not count the time in which the machine sleeps.
 *
 * Invariants:
 * - One check at a time, and each has a bound.
 * - After the call that ends the watch, nothing is checked or reported.
 */
import { errorInfo } from "../base/errors.ts";
import { formatDuration, monotonicMs } from "../base/time.ts";
import type { JobSettings } from "../config/schema.ts";
import type { CommandCheck } from "../job/command-check.ts";
import type { Job } from "../job/job.ts";
import { ask } from "../job/probe.ts";

export type Liveness = NonNullable<JobSettings["liveness"]>;

/**
 * Begins to check a run of a job.
 *
 * @returns A function that ends the checks.
 */
export type Watch = (job: Pick<Job, "hasShownLife">, onUnresponsive: OnUnresponsive) => () => void;

/** Called at most once, with the finding and the time since the last good check. */
type OnUnresponsive = (found: string, silentMs: number) => void;

interface Checks {
	readonly everyMs: number;
	readonly timeoutMs: number;
	/** After this many failures in a row the job is unresponsive. */
	readonly failures: number;
	/** Rejects with the reason if the check fails. Also rejects soon after the signal is aborted. */
	readonly check: (signal: AbortSignal) => Promise<void>;
	/** Describes the failure, for the message. */
	readonly describe: (why: string, silentMs: number) => string;
}

const INTERVAL_MS = 10_000;
const TIMEOUT_MS = 5_000;
const RETRIES = 3;
/**
 * How many looks fall into the time that a heartbeat may take. One more look has to fail, because the first silent look
 * only asks a loop that never waits. So a hang is found after 1.25 to 1.5 times that time.
 */
const LOOKS = 4;

/** @param checkCommand Runs the command of `liveness: {command}`. */
export function planWatch(liveness: Liveness, checkCommand?: CommandCheck): Watch {
	const { http, tcp, heartbeat, interval = INTERVAL_MS, timeout = TIMEOUT_MS, retries = RETRIES } = liveness;
	if (heartbeat !== undefined)
		return (job, onUnresponsive) => {
			const check = async () => {
				if (!job.hasShownLife()) throw new Error();
			};
			const describe = (_: string, silentMs: number) => `no heartbeat for ${formatDuration(silentMs)}`;
			const everyMs = heartbeat / LOOKS;
			return watch({ everyMs, timeoutMs: everyMs, failures: LOOKS + 1, check, describe }, onUnresponsive);
		};
	const probe = http !== undefined ? { http } : tcp !== undefined ? { tcp } : undefined;
	const check = async (signal: AbortSignal) => (probe ? ask(probe, signal) : checkCommand?.(signal));
	const describe = (why: string) =>
		retries === 1 ? why : `${retries} checks in a row have failed, the last one: ${why}`;
	return (_, onUnresponsive) =>
		watch({ everyMs: interval, timeoutMs: timeout, failures: retries, check, describe }, onUnresponsive);
}

function watch({ everyMs, timeoutMs, failures, check, describe }: Checks, onUnresponsive: OnUnresponsive): () => void {
	const slackMs = Math.min(everyMs, timeoutMs) / 2;
	let isOver = false;
	let failed = 0;
	let aliveAt = monotonicMs();
	let timer: NodeJS.Timeout;
	let limit: AbortController | undefined;

	function schedule(): void {
		const dueAt = monotonicMs() + everyMs;
		timer = setTimeout(() => void look(dueAt), everyMs);
	}

	async function look(dueAt: number): Promise<void> {
		const startedAt = monotonicMs();
		const why = await failureOf();
		if (isOver) return;
		const now = monotonicMs();
		const lateMs = startedAt - dueAt + Math.max(0, now - startedAt - timeoutMs);
		if (why === undefined || lateMs > slackMs) {
			failed = 0;
			aliveAt = now;
		} else if (++failed >= failures) {
			onUnresponsive(describe(why, now - aliveAt), now - aliveAt);
			return;
		}
		schedule();
	}

	/** `undefined`: the job has answered. */
	async function failureOf(): Promise<string | undefined> {
		limit = new AbortController();
		const { signal } = limit;
		timer = setTimeout(() => limit?.abort(), timeoutMs);
		try {
			await check(signal);
			return undefined;
		} catch (error) {
			const { message, code } = errorInfo(error);
			return signal.aborted ? `no answer in ${formatDuration(timeoutMs)}` : message || code || "no answer";
		} finally {
			clearTimeout(timer);
		}
	}

	schedule();
	return () => {
		isOver = true;
		clearTimeout(timer);
		limit?.abort();
	};
}
