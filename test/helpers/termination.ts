/** The picture of a pod's termination in docs/kubernetes.md: drawn from a run, one line for each thing that ends. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeExit } from "../../src/job/job.ts";
import type { Replaced } from "./deployment.ts";
import { findEvent, parseEvents } from "./events.ts";

const PAGE = join(import.meta.dirname, "../../docs/kubernetes.md");
/** The block of the page that is the picture. */
const BLOCK = /(?<=^```text\n) +0 s .*?(?=^```$)/ms;
/** Characters of the picture's scale. */
const WIDTH = 50;

/** @param graceSeconds The grace period. */
export function drawTermination({ ending, removedAt, connections, log }: Replaced, graceSeconds: number): string {
	const { report } = findEvent(parseEvents(log.map(({ text }) => text)), "stop.finished");
	const requested = log.find(({ text }) => text.includes('"stop.requested"'))?.time ?? Number.NaN;
	const total = ending.endedAt - ending.askedAt;
	const cell = (ms: number) => Math.round((Math.max(ms, 0) / total) * (WIDTH - 2));
	const bar = (from: number, to: number, before = " ") =>
		`${before.repeat(cell(from))}${"━".repeat(cell(to) - cell(from))}╸`;
	const sinceTerm = (at: number) => at - ending.askedAt;
	const stop = sinceTerm(requested);
	const late = connections.filter((at) => at >= ending.askedAt);
	const noticed = seconds(sinceTerm(removedAt));
	const stopped = report.jobs.filter(({ endedBefore }) => !endedBefore);
	const jobs = stopped.map(({ job, exit, askedMs = 0, tookMs }) => {
		const words = `asked after ${seconds(stop + askedMs)}, ${describeExit(exit)} ${seconds(tookMs)} later`;
		return [job, bar(stop + askedMs, stop + askedMs + tookMs, "┄"), words] as const;
	});
	const lines = [
		["/readyz", bar(stop, total), `503 from ${seconds(stop)} on`],
		[
			"new connections",
			bar(0, sinceTerm(late.at(-1) ?? 0)),
			`${late.length} more, until the readiness probe has failed after ${noticed}`,
		],
		...jobs,
		[
			"the container",
			bar(0, total),
			`exit code ${ending.code}, ${ending.reason}, after ${seconds(total)} of ${graceSeconds} s`,
		],
	] as const;
	const names = Math.max(...lines.map(([name]) => name.length));
	const scale = `${" ".repeat(names)}  0 s ${"SIGTERM".padEnd(cell(total) - 4)}${seconds(total)}`;
	return `${[scale, ...lines.map(([name, bar, words]) => `${name.padEnd(names)}  ${bar.padEnd(WIDTH)}  ${words}`)].join("\n")}\n`;
}

function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(2)} s`;
}

/** The picture as the page has it. */
export function readPicture(): string {
	const [picture] = BLOCK.exec(readFileSync(PAGE, "utf8")) ?? [];
	if (picture === undefined) throw new Error(`Found no picture of a termination in ${PAGE}`);
	return picture;
}

export function writePicture(picture: string): void {
	writeFileSync(
		PAGE,
		readFileSync(PAGE, "utf8").replace(BLOCK, () => picture),
	);
}

/** What two pictures have in common: no figures, and no bars. */
export function withoutFigures(picture: string): string {
	return picture.replaceAll(/\d+(\.\d+)?/g, "N").replaceAll(/[━┄╸ ]+/g, " ");
}
