/** Judges the runs: one verdict for each finding, with a remedy, the worst first. */
import { basename } from "node:path";
import { showPath } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { describeWhereabouts } from "../observe/describe.ts";
import type { Late } from "./look.ts";
import type { Run } from "./rehearsal.ts";

export const LEVELS = ["error", "warning", "note", "ok"] as const;

export interface Verdict {
	/** `error`: a stop broke the stop timeout. `warning`: something is lost or wrong. `note`: it may be intended. */
	readonly level: (typeof LEVELS)[number];
	readonly finding: string;
	/** What the user can do about it. */
	readonly remedy?: string;
}

export interface Facts {
	readonly runs: readonly Run[];
	readonly budgetMs: number;
	readonly signal: NodeJS.Signals;
	/** The number of `signal`. */
	readonly signalNumber: number;
}

/** A stop that takes more than this share of the budget has no room for a busy machine. */
const NEARLY = 0.8;
/** If more than this share of the runs end with the same line, the other runs lack it. */
const MOST = 0.5;
const NAMED = 3;

const WRAPPERS = /^(npm|npx|pnpm|yarn|yarnpkg|corepack|bun)$/;
const SHELLS = /^(ba|da|a|z|k|mk)?sh$/;
const INITS = /^(tini|docker-init|dumb-init|catatonit|lastcall|lastcall-init)$/;

export function judge(facts: Facts): Verdict[] {
	const { runs } = facts;
	const stops = runs.filter(({ outcome }) => outcome !== "ended-before");
	const verdicts = [
		...judgeEarlyEnds(runs),
		...judgeLate(stops, facts),
		...judgeKilledJobs(stops),
		...judgeCutOff(stops),
		...judgeProbe(stops),
		...judgeExitCodes(stops, facts),
		...judgeZombies(stops),
		// A killed program could not print its last lines.
		...judgeOutput(stops.filter(({ outcome }) => outcome === "stopped")),
		...judgeWrapper(stops),
		...judgeMargin(stops, facts),
	];
	if (stops.length > 0 && stops.every(({ outcome }) => outcome === "stopped"))
		verdicts.push({
			level: "ok",
			finding: `${stops.length} of ${stops.length} stops held the stop timeout of ${formatDuration(facts.budgetMs)}`,
		});
	return verdicts.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

function judgeEarlyEnds(runs: readonly Run[]): Verdict[] {
	const early = runs.filter(({ outcome }) => outcome === "ended-before");
	if (early.length === 0) return [];
	const last = early.findLast(({ output }) => output.lastLine !== "")?.output.lastLine;
	const said = last === undefined ? "" : `; it said "${showPath(last)}"`;
	return [
		{
			level: early.length === runs.length ? "error" : "warning",
			finding: `${early.length} of ${runs.length} runs ended before the stop signal, with ${countCodes(early)}${said}`,
			remedy:
				"make it run where it is rehearsed: a variable, a volume or a port may be missing; or stop it sooner: --within",
		},
	];
}

function judgeLate(stops: readonly Run[], { budgetMs, signal }: Facts): Verdict[] {
	const late = stops.filter(({ outcome }) => outcome === "late");
	const [first] = late;
	if (!first) return [];
	const verdict = (some: readonly Run[], finding: string, remedy: string): Verdict[] =>
		some.length === 0
			? []
			: [{ level: "error", finding: `${some.length} of ${stops.length} stops ${finding}`, remedy }];
	const init = first.init ?? "";
	// A handler of the runtime itself counts as listening, but may do nothing as PID 1. Then only the time tells.
	const inTime = stops.filter(({ outcome }) => outcome === "stopped");
	const soonest = Math.min(...inTime.map(({ signalledAfterMs }) => signalledAfterMs));
	const listensAtTimes = inTime.some(({ listens }) => listens);
	const tooEarly = late.filter(
		({ signalledAfterMs, listens }) =>
			inTime.length > 0 && (signalledAfterMs < soonest || (listens === false && listensAtTimes)),
	);
	const isSure = tooEarly.every(({ listens, listensLater }) => listens === false || listensLater === false);
	const latest = Math.max(...tooEarly.map(({ signalledAfterMs }) => signalledAfterMs));
	const others = late.filter((run) => !tooEarly.includes(run));
	const deaf = others.filter(({ listens }) => listens === false);
	const silent = others.filter((run) => run.listens !== false && run.listensLater === false && isNode(init));
	const slow = others.filter((run) => !deaf.includes(run) && !silent.includes(run));
	return [
		...verdict(
			tooEarly,
			`were ${isSure ? "" : "most likely "}lost during the start: ${signal} came up to ${formatDuration(latest)} after it, before PID 1, ${code(init)}, had its handler; it went on until SIGKILL`,
			`put an init before it that listens from its first moment: ENTRYPOINT ["lastcall", "--"]${isNode(init) ? ", or node --import lastcall/register" : ""}`,
		),
		...verdict(
			deaf,
			`did nothing until SIGKILL: PID 1 is ${code(init)}, which does not listen to ${signal}, and the kernel ends PID 1 by no signal that it does not listen to`,
			remedyForDeaf(deaf.find(appOf) ?? first, signal),
		),
		...verdict(
			silent,
			`were not done after ${formatDuration(budgetMs)}, and were killed: PID 1 is ${code(init)}, which has no listener for ${signal} (then Node.js does nothing as PID 1), or has removed it (once) and waits for something: ${describeLate(silent)}`,
			`process.on("${signal}", …) in the program, or node --import lastcall/register; if there is a listener, end what it waits for`,
		),
		...verdict(
			slow,
			`were not done after ${formatDuration(budgetMs)}, and were killed: ${describeLate(slow)}`,
			remedyForLate(slow.find(appOf) ?? first),
		),
	];
}

function remedyForDeaf(run: Run, signal: NodeJS.Signals): string {
	const program = programOf(run.init ?? "");
	const app = appOf(run);
	if (isBetween(program))
		return `the signal stops at ${program}: ${app ? `make ${code(app)} the command itself, ${asCmd(app)}` : 'write "exec" before the program, or the JSON form of CMD'}; if that has no handler of its own, behind an init: ENTRYPOINT ["lastcall", "--"]`;
	if (isNode(run.init ?? "")) return `process.on("${signal}", …) in the program, or node --import lastcall/register`;
	return `listen to ${signal} in the program, or put an init before it: ENTRYPOINT ["lastcall", "--"] (or docker run --init)`;
}

function describeLate(late: readonly Run[]): string {
	const jobs = late.flatMap(({ killedJobs }) => killedJobs);
	if (jobs.length > 0) {
		const places = jobs.map(({ job, killed }) => {
			const where = killed?.where ? ` was ${describeWhereabouts(killed.where)}` : "";
			return `job ${job}${where}`;
		});
		return nameSome(places);
	}
	return nameSome(late.flatMap((run) => run.late.map(describeProcess))) || "nothing shows which process it was";
}

export function describeProcess({ command, where }: Late): string {
	if (!where) return code(command);
	const { state, call, waitsIn } = where;
	if (state === "R") return `${code(command)} was running`;
	const place = call ?? (waitsIn && `the kernel's ${waitsIn}`);
	return `${code(command)} was ${state === "D" ? "in uninterruptible sleep" : state === "T" ? "stopped" : "waiting"}${place ? ` in ${place}` : ""}`;
}

function remedyForLate(run: Run): string {
	if (run.killedJobs.length > 0)
		return "have the job look at its flag there; or give it more time, to the platform and to lastcall alike";
	const program = programOf(run.init ?? "");
	const app = appOf(run);
	if (isBetween(program) && app)
		return `${program} stands between the signal and the program: make ${code(app)} the command itself, ${asCmd(app)}`;
	return "end what it waits for at the signal (open connections, timers, children), or give it more time: docker stop -t, terminationGracePeriodSeconds, and --stop-timeout here";
}

/** A lastcall in the run keeps the stop timeout by killing jobs. Its exit code and its log say so. */
function judgeKilledJobs(stops: readonly Run[]): Verdict[] {
	const forced = stops.filter(isForced);
	if (forced.length === 0) return [];
	return [
		{
			level: "warning",
			finding: `${forced.length} of ${stops.length} stops were in time by force only: lastcall had to end ${describeLate(forced)}`,
			remedy: remedyForLate(forced[0] as Run),
		},
	];
}

function isForced({ outcome, killedJobs }: Run): boolean {
	return outcome === "stopped" && killedJobs.length > 0;
}

function judgeCutOff(stops: readonly Run[]): Verdict[] {
	const cut = stops.filter(({ cutOff }) => cutOff.length > 0);
	const [first] = cut;
	if (!first) return [];
	const seen = Math.max(...cut.map(({ seenMsBefore }) => seenMsBefore ?? 0));
	const names = nameSome(cut.flatMap(({ cutOff }) => cutOff.map(code)));
	const init = code(first.init ?? "");
	const how =
		seen > 0
			? `${names} was running ${formatDuration(seen)} before the end of PID 1, ${init}, or less`
			: `${names} got SIGKILL, from PID 1, ${init}, or since that had ended`;
	const program = programOf(first.init ?? "");
	const app = appOf(first);
	const own =
		isBetween(program) && app ? `make ${code(app)} the command itself, ${asCmd(app)}` : "wait for them in PID 1";
	const remedy = program.startsWith("lastcall")
		? "lastcall --kill-stragglers -- waits for all processes, and so does lastcall run"
		: `${own}; or put an init before it that waits for all processes: ENTRYPOINT ["lastcall", "run", "--"]`;
	return [{ level: "warning", finding: `${cut.length} of ${stops.length} stops cut work off: ${how}`, remedy }];
}

function judgeProbe(stops: readonly Run[]): Verdict[] {
	const probes = stops.map(({ probe }) => probe).filter((probe) => probe !== undefined);
	if (probes.length === 0) return [];
	const up = probes.filter(({ wasUp }) => wasUp);
	if (up.length === 0)
		return [
			{
				level: "warning",
				finding: "The probe was never answered before the stop signal, so it says nothing",
				remedy: "check the URL, publish its port, and give the start more time: --within",
			},
		];
	const sum = (field: "requests" | "failed" | "refused") => up.reduce((all, probe) => all + probe[field], 0);
	const verdicts: Verdict[] = [];
	if (sum("failed") > 0)
		verdicts.push({
			level: "warning",
			finding: `${sum("failed")} of ${sum("requests")} requests during ${up.length} stops were broken off or answered with an error`,
			remedy: "answer what has begun, then close: server.close(), or drain(server) of lastcall; end only after that",
		});
	if (sum("refused") > 0)
		verdicts.push({
			level: "note",
			finding: `${sum("refused")} of ${sum("requests")} requests during ${up.length} stops got no connection`,
			remedy:
				"load balancers notice a stop late: go on answering for a while after the signal (drainDelay, or sleep in preStop)",
		});
	if (verdicts.length === 0)
		verdicts.push({ level: "ok", finding: `No request failed: ${sum("requests")} during ${up.length} stops` });
	return verdicts;
}

function judgeExitCodes(stops: readonly Run[], { signal, signalNumber }: Facts): Verdict[] {
	const ended = stops.filter(({ outcome }) => outcome === "stopped");
	const bySignal = ended.filter(({ exitCode }) => exitCode === 128 + signalNumber);
	const wrong = ended.filter((run) => run.exitCode !== 0 && run.exitCode !== 128 + signalNumber && !isForced(run));
	const verdicts: Verdict[] = [];
	if (wrong.length > 0)
		verdicts.push({
			level: "warning",
			finding: `${wrong.length} of ${stops.length} stops ended with ${countCodes(wrong)}, though they were in time: platforms call that a failure`,
			remedy: wrong.some(({ exitCode }) => exitCode === 137)
				? "137 is SIGKILL: find its sender, or look at the memory limit"
				: "exit with 0 when the clean-up is done; the last line of the output may say what failed",
		});
	if (bySignal.length > 0)
		verdicts.push({
			level: "note",
			finding: `${bySignal.length} of ${stops.length} stops ended with ${128 + signalNumber}: ${signal} itself ended the program, most likely before any clean-up (a JVM says so, too)`,
			remedy: `if it has something to finish, listen to ${signal} and exit with 0`,
		});
	return verdicts;
}

function judgeZombies(stops: readonly Run[]): Verdict[] {
	const most = stops.toSorted((a, b) => b.zombies.length - a.zombies.length)[0];
	if (!most || most.zombies.length === 0) return [];
	const with_ = stops.filter(({ zombies }) => zombies.length > 0);
	return [
		{
			level: "warning",
			finding: `${with_.length} of ${stops.length} runs had zombies before the stop, up to ${most.zombies.length}: ${nameSome(most.zombies)}`,
			remedy: 'an init reaps them: ENTRYPOINT ["lastcall", "--"], or docker run --init',
		},
	];
}

function judgeOutput(stops: readonly Run[]): Verdict[] {
	const verdicts: Verdict[] = [];
	const cut = stops.filter(({ output }) => output.isCut);
	// If every run ends without a line feed (the program prints a prompt, say), nothing was lost.
	if (cut.length > 0 && cut.length < stops.length)
		verdicts.push({
			level: "warning",
			finding: `${cut.length} of ${stops.length} stops ended in the middle of a line: "${showPath(cut[0]?.output.lastLine ?? "")}"`,
			remedy: "flush the log before the exit: process.exit() drops what a pipe has not taken yet",
		});
	const shapes = stops.map(({ output }) => shapeOf(output.lastLine));
	const [shape, count] = commonest(shapes);
	const example = stops[shapes.indexOf(shape)]?.output.lastLine ?? "";
	if (count > stops.length * MOST && count < stops.length && shape !== "") {
		const without = stops.filter((_, index) => shapes[index] !== shape);
		const latest = Math.max(...without.map(({ signalledAfterMs }) => signalledAfterMs));
		verdicts.push({
			level: "note",
			finding: `${without.length} of ${stops.length} stops lack the last line that the others have, "${showPath(example)}"; the signal came up to ${formatDuration(latest)} after the start`,
			remedy: "if those had something to say, it was lost: compare the last lines in --json",
		});
	}
	return verdicts;
}

/** Replaces numbers, which differ from run to run. */
function shapeOf(line: string): string {
	return line.replaceAll(/\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, "0").slice(0, 200);
}

function judgeWrapper(stops: readonly Run[]): Verdict[] {
	const run = stops.findLast(({ init, others }) => init !== undefined && others.length > 0);
	if (!run) return [];
	const program = programOf(run.init ?? "");
	const app = appOf(run);
	if (!WRAPPERS.test(program) || app === undefined) return [];
	return [
		{
			level: "note",
			finding: `PID 1 is ${program}: it costs a process, its memory and the time of its start, and the signal has to pass it`,
			remedy: `use ${code(app)}`,
		},
	];
}

function judgeMargin(stops: readonly Run[], { budgetMs }: Facts): Verdict[] {
	const near = stops.filter(({ outcome, stopMs }) => outcome === "stopped" && stopMs > budgetMs * NEARLY);
	if (near.length === 0) return [];
	return [
		{
			level: "warning",
			finding: `${near.length} of ${stops.length} stops took more than ${NEARLY * 100} % of the stop timeout`,
			remedy: "a busy machine is slower than this one: stop sooner, or give the stop more time",
		},
	];
}

/** The program that a command runs: `node /usr/bin/npm start` → `npm`. */
export function programOf(command: string): string {
	const [first = "", ...rest] = command.split(" ");
	const script = basename(rest.find((word) => !word.startsWith("-")) ?? "").replace(/(-cli)?\.[cm]?js$/, "");
	return isNode(first) && (WRAPPERS.test(script) || INITS.test(script)) ? script : basename(first);
}

/** Whether the program is only a wrapper between the signal and another program. */
function isBetween(program: string): boolean {
	return WRAPPERS.test(program) || SHELLS.test(program);
}

function isNode(command: string): boolean {
	return /^(\S*\/)?(node|nodejs)( |$)/.test(command);
}

/** The program behind wrappers and shells, if there is one. */
function appOf({ init = "", others }: Run): string | undefined {
	const isApp = (command: string) => {
		const program = programOf(command);
		return !isBetween(program) && !INITS.test(program) && !command.startsWith("[");
	};
	return [init, ...others].find(isApp);
}

/** The command as CMD in a Dockerfile, in its JSON form. */
function asCmd(command: string): string {
	return `CMD [${command
		.split(" ")
		.map((word) => JSON.stringify(word))
		.join(", ")}]`;
}

/** A command as a reader recognizes it: without the folder of its program. */
function code(command: string): string {
	const text = command.replace(/^\/\S*\/(?=[^/\s])/, "");
	return `\`${showPath(text.length > 80 ? `${text.slice(0, 80)}…` : text)}\``;
}

export function countCodes(runs: readonly Pick<Run, "exitCode">[]): string {
	const counts = Map.groupBy(runs, ({ exitCode }) => exitCode);
	const parts = [...counts]
		.sort(([, a], [, b]) => b.length - a.length)
		.map(([exit, { length }]) => `${exit} (${length} ×)`);
	return `exit code ${parts.join(", ")}`;
}

function nameSome(texts: readonly string[]): string {
	const counts = [...Map.groupBy(texts, (text) => text)].sort(([, a], [, b]) => b.length - a.length);
	const more = counts.length > NAMED ? `, and ${counts.length - NAMED} more` : "";
	return (
		counts
			.slice(0, NAMED)
			.map(([text, { length }]) => (length > 1 ? `${text} (${length} ×)` : text))
			.join(", ") + more
	);
}

function commonest(texts: readonly string[]): [text: string, count: number] {
	const [most] = [...Map.groupBy(texts, (text) => text)].sort(([, a], [, b]) => b.length - a.length);
	return most ? [most[0], most[1].length] : ["", 0];
}
