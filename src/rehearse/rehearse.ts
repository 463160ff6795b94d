/** `lastcall rehearse`: stops a program, a configuration or an image many times, and reports how the stops went. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plain } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { loadConfig } from "../config/load.ts";
import { resolveStopTimeout, type StopTimeout } from "../config/stop-timeout.ts";
import { resolveSettings } from "../service/settings.ts";
import { openImageStage } from "./container.ts";
import { HELP } from "./help.ts";
import { renderHtml } from "./html.ts";
import { randomMoments } from "./moments.ts";
import { type Options, parseOptions } from "./options.ts";
import { openProgramStage } from "./program.ts";
import { confirm, startProgress } from "./progress.ts";
import { rehearseAll } from "./rehearsal.ts";
import { makeReport, toJson } from "./report.ts";
import type { Stage } from "./stage.ts";
import { renderAnnotations, renderText } from "./text.ts";

/** The width if standard output is no terminal, or does not tell its width. */
const COLUMNS = 80;

interface Rehearsed {
	readonly stage: Stage;
	readonly stopTimeout: StopTimeout;
}

/**
 * @param args The arguments after `lastcall rehearse`.
 * @param self The command that runs this lastcall.
 * @param aborted Ends the rehearsal early. Then no process is left, and there is no report.
 * @returns The exit code: 0 if every stop held the stop timeout, else 1.
 * @throws {UserError} before anything is started.
 */
export async function rehearse(
	args: readonly string[],
	self: readonly string[],
	aborted: AbortSignal,
): Promise<number> {
	const options = parseOptions(args);
	if (options === "help") {
		await print(process.stdout, HELP);
		return 0;
	}
	const { runs, withinMs, seed, probe, json, html, yes } = options;
	const { stage, stopTimeout } = await open(options, self);
	try {
		console.error(`lastcall: ${announce(options, stage, stopTimeout)}`);
		if (!yes && process.stdin.isTTY && process.stderr.isTTY && !(await confirm("Go on?"))) return 1;
		const progress = startProgress(runs);
		const plan = { moments: randomMoments(runs, withinMs, seed), budgetMs: stopTimeout.ms, probe };
		const done = await rehearseAll(stage, plan, progress.show, aborted);
		progress.clear();
		if (aborted.aborted) return 1;
		const report = makeReport(stage, options, stopTimeout, done);
		if (html !== undefined) writeFileSync(html, renderHtml(report));
		if (process.env.GITHUB_ACTIONS === "true") await print(process.stderr, renderAnnotations(report));
		await print(process.stdout, json ? toJson(report) : renderText(report, process.stdout.columns || COLUMNS));
		return report.held ? 0 : 1;
	} finally {
		await stage.close();
	}
}

async function open({ subject, signal, stopTimeoutMs }: Options, self: readonly string[]): Promise<Rehearsed> {
	const { env } = process;
	if (subject.type === "image") {
		const stage = await openImageStage(subject, signal);
		const asked = stopTimeoutMs === undefined ? stage.stopTimeoutMs : undefined;
		const own = asked === undefined ? undefined : { ms: asked, source: "docker run --stop-timeout" };
		return { stage, stopTimeout: own ?? resolveStopTimeout(stopTimeoutMs, env, undefined) };
	}
	if (subject.type === "program") {
		const { command } = subject;
		const stage = openProgramStage(command, command.map(plain).join(" "), env, signal ?? "SIGTERM");
		return { stage, stopTimeout: resolveStopTimeout(stopTimeoutMs, env, undefined) };
	}
	const loaded = await loadConfig(subject.path);
	const settings = resolveSettings(loaded, { env, isTerminal: false, isInit: true, stopTimeoutMs });
	const { stopTimeout, stopSignals } = settings;
	// The rehearsed init must not overwrite the socket and the message of a service that runs here.
	const folder = mkdtempSync(join(tmpdir(), "lastcall-rehearsal-"));
	const inner = {
		...env,
		LASTCALL_SOCKET: join(folder, "socket"),
		LASTCALL_TERMINATION_MESSAGE: join(folder, "message"),
		LASTCALL_LOG_FORMAT: "json",
	};
	const command = [...self, "run", `--stop-timeout=${stopTimeout.ms}ms`, loaded.path];
	const [first = "SIGTERM"] = stopSignals;
	const stage = openProgramStage(command, `lastcall run ${plain(loaded.path)}`, inner, signal ?? first);
	return { stage: { ...stage, close: async () => rmSync(folder, { recursive: true, force: true }) }, stopTimeout };
}

/** Says what is about to happen: a user may not expect many starts. */
function announce({ runs, withinMs }: Options, { subject, how, signal }: Stage, { ms, source }: StopTimeout): string {
	const times = runs === 1 ? "once" : `${runs} times`;
	return `Starts ${subject} ${times} ${how}, and stops it by ${signal} within ${formatDuration(withinMs)}. All work of its start (migrations, mails) is done ${times}. A stop may take ${formatDuration(ms)} (${source}).`;
}

/** Waits for the write: exiting drops what a pipe has not taken yet. Ignores errors: the reader may have gone. */
function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
	stream.on("error", () => {});
	return new Promise((resolve) => stream.write(text, () => resolve()));
}
