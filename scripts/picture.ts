/**
 * `scripts/node scripts/picture.ts`: runs examples/stop, stops it, and draws its stop report as docs/stop.svg. In a container where an
 * engine answers, else in a PID namespace or as a process. lastcall has to be built.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { formatDuration } from "../src/base/time.ts";
import { describeExit } from "../src/job/job.ts";
import { describeWhereabouts } from "../src/observe/describe.ts";
import type { JobStop, StopReport } from "../src/supervisor/events.ts";
import { type Engine, engineEnv, ensureBaseImage, withEngine } from "./engine.ts";
import { must, run } from "./lib/command.ts";
import { root } from "./lib/paths.ts";
import { runScript, ScriptError } from "./lib/script.ts";

const SERVICE = join(root, "examples/stop");
const IMAGE = "lastcall-stop";
const CONTAINER = `lastcall-stop-${process.pid}`;

const WIDTH = 860;
/** Of the part from SIGTERM to the stop timeout. */
const LEFT = 80;
const RIGHT = 830;
const TOP = 64;
const ROW = 46;

/** Readable on light and dark pages, also where the media query is not understood. */
const STYLE = `<style>
text{font:13px ui-monospace,monospace;fill:#6e7781}.name{font-weight:bold}.line{stroke:#8b949e}.joined{fill:#2f81f7}.killed{fill:#d1242f}
@media(prefers-color-scheme:light){text{fill:#1f2328}}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.killed{fill:#f85149}}
</style>`;

/** Runs the service in a process, stops it when all jobs are up, and returns its report. */
export async function stopHere(stopTimeout: string): Promise<StopReport> {
	const isRoot = process.getuid?.() === 0;
	const args = [join(root, "dist/main.cjs"), "run", join(SERVICE, "lastcall.config.ts")];
	const lastcall = [process.execPath, "--disable-warning=ExperimentalWarning", ...args];
	// Only root may make a PID namespace without a user namespace.
	const namespace = isRoot ? ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] : [];
	const [command = "", ...rest] = [...namespace, ...lastcall];
	const child = spawn(command, rest, {
		stdio: ["ignore", "pipe", "inherit"],
		env: {
			...process.env,
			// The configuration names `node`.
			PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
			LASTCALL_LOG_FORMAT: "json",
			LASTCALL_SOCKET: "",
			LASTCALL_STOP_TIMEOUT: stopTimeout,
		},
	});
	const stop = async () => {
		const pid = isRoot ? await must("cat", [`/proc/${child.pid}/task/${child.pid}/children`]) : `${child.pid}`;
		process.kill(Number.parseInt(pid, 10), "SIGTERM");
	};
	try {
		return await readReport(child.stdout, stop);
	} finally {
		child.kill("SIGKILL");
	}
}

async function stopInContainer(engine: Engine): Promise<StopReport> {
	const env = engineEnv(engine);
	await ensureBaseImage(engine, 26);
	const network = engine.private ? ["--network", "host"] : [];
	const docker = (...args: string[]) => must(engine.client, args, { env, timeout: 600_000 });
	await docker("build", "--quiet", ...network, "--tag", "lastcall-example", root);
	await docker("build", "--quiet", ...network, "--tag", IMAGE, SERVICE);
	const child = spawn(engine.client, ["run", "--rm", "--name", CONTAINER, "--network=none", IMAGE], {
		stdio: ["ignore", "pipe", "inherit"],
		env: { ...process.env, ...env },
	});
	try {
		return await readReport(child.stdout, async () => {
			await docker("stop", CONTAINER);
		});
	} finally {
		await run(engine.client, ["rm", "--force", CONTAINER], { env });
	}
}

/** Calls `stop` when the last job is ready, and returns the report of the stop. */
async function readReport(output: Readable, stop: () => Promise<void>): Promise<StopReport> {
	let report: StopReport | undefined;
	const lines = createInterface({ input: output });
	lines.on("line", (line) => {
		if (!line.startsWith("{")) return;
		const record = JSON.parse(line);
		if (record.event === "job.ready" && record.job === "web") void stop();
		if (record.event === "stop.finished") report = record.report;
	});
	await once(lines, "close");
	if (!report) throw new ScriptError("Cannot draw the stop: found no stop report in the output of examples/stop");
	return report;
}

export function drawStop({ jobs, jobsMs, budgetMs, tookMs, exitCode }: StopReport): string {
	const x = (ms: number) => Math.round(LEFT + (Math.min(ms, budgetMs) / budgetMs) * (RIGHT - LEFT));
	const bottom = TOP + jobs.length * ROW;
	const parts = [
		mark(x(0), "SIGTERM", "start"),
		mark(x(jobsMs), `deadline ${formatDuration(jobsMs)}`, "end", "4 3"),
		mark(x(budgetMs), `SIGKILL ${formatDuration(budgetMs)}`, "middle"),
		...jobs.toSorted((a, b) => (a.askedMs ?? 0) - (b.askedMs ?? 0)).map(row),
		text(LEFT, bottom + 22, `exit code ${exitCode} after ${formatDuration(tookMs)}`),
	];

	function mark(at: number, words: string, anchor: string, dashes = "none"): string {
		const line = `<line class="line" x1="${at}" x2="${at}" y1="${TOP - 14}" y2="${bottom}" stroke-dasharray="${dashes}"/>`;
		// Beside each other the deadline and the end have no room on one line.
		return (
			line +
			text(
				anchor === "middle" ? WIDTH - 4 : at,
				anchor === "middle" ? 18 : 40,
				words,
				anchor === "start" ? "start" : "end",
			)
		);
	}

	function row(stop: JobStop, index: number): string {
		const y = TOP + index * ROW;
		const from = stop.askedMs ?? 0;
		const width = Math.max(3, x(from + stop.tookMs) - x(from));
		const bar = `<rect class="${stop.killed ? "killed" : "joined"}" x="${x(from)}" y="${y}" width="${width}" height="14" rx="3"/>`;
		return `${text(4, y + 12, stop.job, "start", "name")}${bar}${text(x(from), y + 30, describe(stop))}`;
	}

	return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 34}" viewBox="0 0 ${WIDTH} ${bottom + 34}" role="img">
<title>A stop: when each job was asked, and how it ended</title>
${STYLE}
${parts.join("\n")}
</svg>
`;
}

function describe({ exit, tookMs, killed }: JobStop): string {
	if (!killed) return `${describeExit(exit)} after ${formatDuration(tookMs)}`;
	return `killed after ${formatDuration(killed.waitedMs)}${killed.where ? `: ${describeWhereabouts(killed.where)}` : ""}`;
}

function text(x: number, y: number, words: string, anchor = "start", name?: string): string {
	const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
	return `<text${name ? ` class="${name}"` : ""} x="${x}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}

if (import.meta.main)
	await runScript(async () => {
		const report = await withEngine((engine) => ("reason" in engine ? stopHere("10s") : stopInContainer(engine)));
		writeFileSync(join(root, "docs/stop.svg"), drawStop(report));
		return 0;
	});
