/** The report of a rehearsal as plain data. `--json` prints it, and the other reports are rendered from it. */
import { constants } from "node:os";
import { readVersion } from "../base/versions.ts";
import type { StopTimeout } from "../config/stop-timeout.ts";
import type { Run } from "./rehearsal.ts";
import type { Stage } from "./stage.ts";
import { judge, type Verdict } from "./verdicts.ts";

/** The default time between the stop signal and SIGKILL on each platform, in milliseconds. */
export const PLATFORMS = [
	{ name: "Docker", ms: 10_000 },
	{ name: "Kubernetes", ms: 30_000 },
] as const;

export interface Report extends Pick<Stage, "kind" | "subject" | "how" | "limits" | "signal"> {
	/** The version of the lastcall that made the report. */
	readonly lastcall: string;
	/** `--seed` with this number gives the same moments again. */
	readonly seed: number;
	readonly withinMs: number;
	readonly stopTimeout: StopTimeout;
	/** Whether there was a stop, and every stop held the stop timeout. */
	readonly held: boolean;
	/** Over all stops, in milliseconds. A late stop counts with the time until it was killed. 0 if there was no stop. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly worstMs: number;
	/** How many runs ended with each exit code. */
	readonly exitCodes: Readonly<Record<string, number>>;
	/** The worst first. */
	readonly verdicts: readonly Verdict[];
	readonly runs: readonly Run[];
}

export function makeReport(
	{ kind, subject, how, limits, signal }: Stage,
	{ seed, withinMs }: { readonly seed: number; readonly withinMs: number },
	stopTimeout: StopTimeout,
	runs: readonly Run[],
): Report {
	const stops = runs.filter(({ outcome }) => outcome !== "ended-before");
	const times = stops.map(({ stopMs }) => stopMs).sort((a, b) => a - b);
	const quantile = (share: number) => times[Math.ceil(share * times.length) - 1] ?? 0;
	const codes = Map.groupBy(runs, ({ exitCode }) => exitCode);
	return {
		lastcall: readVersion(),
		kind,
		subject,
		how,
		limits,
		signal,
		seed,
		withinMs,
		stopTimeout,
		held: stops.length > 0 && stops.every(({ outcome }) => outcome === "stopped"),
		p50Ms: quantile(0.5),
		p99Ms: quantile(0.99),
		worstMs: quantile(1),
		exitCodes: Object.fromEntries([...codes].map(([code, { length }]) => [code, length])),
		verdicts: judge({ runs, budgetMs: stopTimeout.ms, signal, signalNumber: constants.signals[signal] }),
		runs,
	};
}

/** The report as JSON, with times to a tenth of a millisecond. */
export function toJson(report: Report): string {
	const round = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
	return `${JSON.stringify(report, round, 2)}\n`;
}
