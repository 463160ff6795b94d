/** The report of a rehearsal as plain data: `--json` prints it, the other reports are drawn from it. */
import { constants } from "node:os";
import { readVersion } from "../base/versions.ts";
import type { StopTimeout } from "../config/stop-timeout.ts";
import type { Run } from "./rehearsal.ts";
import type { Stage } from "./stage.ts";
import { judge, type Verdict } from "./verdicts.ts";

/** What platforms give by default between the stop signal and SIGKILL, in milliseconds. */
export const PLATFORMS = [
	{ name: "Docker", ms: 10_000 },
	{ name: "Kubernetes", ms: 30_000 },
] as const;

export interface Report extends Pick<Stage, "kind" | "subject" | "how" | "limits" | "signal"> {
	/** The version that has rehearsed. */
	readonly lastcall: string;
	/** `--seed` with this number repeats the moments. */
	readonly seed: number;
	readonly withinMs: number;
	readonly stopTimeout: StopTimeout;
	/** Whether every stop held the stop timeout, and there was one. */
	readonly held: boolean;
	/** Of all stops, in milliseconds; a late one counts with the time after which it was killed. 0 without a stop. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly worstMs: number;
	/** How often each exit code came. */
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

/** As JSON: times to a tenth of a millisecond. */
export function toJson(report: Report): string {
	const round = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
	return `${JSON.stringify(report, round, 2)}\n`;
}
