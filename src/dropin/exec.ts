/**
 * The init of one program in the foreground: parse, spawn, then forward signals and reap until the program has ended.
 *
 * The program is spawned first, and everything that can wait waits: this folder and os/ are all that is loaded by then.
 * Before the spawn every failure is fatal, after it none is.
 */

import { attempt, errorInfo } from "../base/errors.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import { bindingFaults, foreignFunctions } from "../os/ffi/ffi.ts";
import { libc } from "../os/ffi/libc.ts";
import { endStragglers } from "../os/processes/stragglers.ts";
import { widenSignalPipe } from "../os/signals/realtime.ts";
import { listenToAll, listenToFaultsToo, listenToRealTimeToo, onSignal } from "../os/signals/signals.ts";
import { findOnPath, ignoreTerminalStops, openTerminal } from "../os/spawn/spawn.ts";
import { dumbInitListensTo, parseDumbInit } from "./dumb-init.ts";
import { createStopDeadline, forward } from "./forward.ts";
import type { Status, Tell } from "./notice.ts";
import { startProgram } from "./program.ts";
import type { Identity, Plan, Settings } from "./settings.ts";
import { createTeller, frame } from "./teller.ts";
import { parseTini } from "./tini-args.ts";

const SIGHUP = 1;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIGCONT = 18;
const STOPS: ReadonlySet<number> = new Set([20, 21, 22]);
const ENOENT = 2;
const EACCES = 13;
const FLUSH_MS = 200;

/**
 * Runs a program to its end.
 *
 * @returns The exit code to end with; "unknown word" if there is no such program, and the first word may have been meant as a command
 * of ours: then nothing has been said.
 */
export async function exec(
	args: readonly string[],
	env: NodeJS.ProcessEnv,
	identity: Identity,
): Promise<number | "unknown word"> {
	const plan = parse(args, env, identity);
	if (plan.type === "start") return supervise(plan.settings, couldBeCommand(args, plan.settings));
	if (plan.stdout) process.stdout.write(plan.stdout);
	if (plan.stderr) process.stderr.write(plan.stderr);
	return plan.code;
}

function parse(args: readonly string[], env: NodeJS.ProcessEnv, identity: Identity): Plan {
	return identity.style === "dumb-init"
		? parseDumbInit(args, env, identity)
		: parseTini(args, env, identity, (message) => frame("fatal", message, identity.style));
}

/** Whether the first word could be a mistyped command: flags, `--` and a slash say that it is a program. */
function couldBeCommand(args: readonly string[], { identity, command }: Settings): boolean {
	const isFirst = command.length === args.length;
	return identity.subcommands && isFirst && !command[0]?.includes("/");
}

async function supervise(settings: Settings, mayBeCommand: boolean): Promise<number | "unknown word"> {
	const teller = createTeller(settings);
	const { tell } = teller;
	if (!becomeInit(settings, tell)) {
		teller.begin();
		await teller.flush(FLUSH_MS);
		return 1;
	}
	const likeDumbInit = settings.identity.style === "dumb-init";
	listenToAll(likeDumbInit ? dumbInitListensTo : []);
	if (settings.verbosity > 1) process.on("SIGCHLD", () => tell({ type: "signal.received", number: SIGCHLD }));

	const started = await startProgram(settings);
	if ("errno" in started) {
		const { errno } = started;
		const [program = ""] = settings.command;
		// Also ENOENT: a script that is there, but not its interpreter.
		if (mayBeCommand && errno === ENOENT && findOnPath(program) === undefined) return "unknown word";
		// What is kept warns of orphans that nobody reaps, and there will be none. Under another name it is printed, as by tini.
		if (settings.identity.subcommands) teller.forget();
		teller.begin();
		tell({ type: "program.failed", program, errno });
		await teller.flush(FLUSH_MS);
		return exitCode({ code: failureCode(errno, settings) }, settings);
	}
	teller.begin();
	const { pid } = started;
	// Listeners for signals do not keep Node.js alive.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	process.on("uncaughtException", (error) => tell({ type: "init.failed", error: error.stack ?? String(error) }));
	tell({ type: "program.spawned", program: settings.command[0] ?? "", pid });

	const ended = Promise.withResolvers<Status>();
	let running = true;
	const deadline = createStopDeadline(pid, settings, tell);
	const ignoredOnce = new Set(started.lostTerminal ? [SIGHUP, SIGCONT] : []);
	onSignal(({ number }) => {
		tell({ type: "signal.received", number });
		if (!running) return;
		if (ignoredOnce.delete(number)) {
			tell({ type: "signal.handedOff", number });
			return;
		}
		if (forward(number, pid, settings, tell)) deadline.start(number);
		if (likeDumbInit && STOPS.has(number)) {
			tell({ type: "init.suspended" });
			process.kill(process.pid, "SIGSTOP");
		}
	});
	const ffi = foreignFunctions();
	// Each can fail alone, and the program goes on.
	try {
		if (ffi) listenToRealTimeToo(ffi);
	} catch (error) {
		const why = errorInfo(error).message;
		tell({ type: "realTimeSignals.unheard", why });
	}
	attempt(() => ffi && likeDumbInit && listenToFaultsToo(ffi));
	attempt(() => widenSignalPipe(ffi));
	attempt(() => ffi && !likeDumbInit && ignoreTerminalStops(ffi));
	// For a program that has ended already: its SIGCHLD is told of before the program is collected.
	if (settings.verbosity > 1) await new Promise(setImmediate);
	started.watch((process) => {
		const { pid: reaped, ...status } = process;
		const isProgram = reaped === pid;
		tell({ type: "process.reaped", pid: reaped, isProgram, status });
		if (!isProgram) return;
		running = false;
		if (settings.endGroup) forward(SIGTERM, pid, settings, tell);
		tell({ type: "program.exited", status });
		ended.resolve(status);
	});

	const status = await ended.promise;
	deadline.cancel();
	if (settings.killStragglers) await finishStragglers(deadline.leftMs(), tell);
	if (ffi) openTerminal(ffi)?.takeBack(pid);
	const code = exitCode(status, settings);
	const childrenLeft = settings.verbosity > 3 && libc()?.hasChildren() === true;
	tell({ type: "init.exiting", code, childrenLeft });
	await teller.flush(FLUSH_MS);
	clearInterval(hold);
	return code;
}

/** Takes the duties of an init as far as the kernel lets us, and says what it does not. */
function becomeInit(settings: Settings, tell: Tell): boolean {
	const { parentDeathSignal, subreaper } = settings;
	if (!foreignFunctions()) {
		tell({ type: "binding.missing", why: bindingFaults });
		return true;
	}
	const isInit = process.pid === 1;
	// The binding of these is not needed by most, and takes a moment.
	if (parentDeathSignal !== undefined)
		if (!libc()?.setParentDeathSignal(parentDeathSignal)) tell({ type: "parentDeathSignal.refused" });
	if (!subreaper) {
		if (!isInit && !libc()?.isSubreaper()) tell({ type: "orphans.unreachable" });
	} else if (libc()?.becomeSubreaper()) {
		tell({ type: "subreaper.registered" });
	} else {
		// PID 1 gets the orphans all the same.
		tell({ type: "subreaper.refused", fatal: !isInit });
		return isInit;
	}
	return true;
}

/** Why the program could not be started, as a shell or dumb-init say it. */
function failureCode(errno: number, { identity }: Settings): number {
	if (identity.style === "dumb-init") return 2;
	if (errno === ENOENT) return 127;
	return errno === EACCES ? 126 : 1;
}

function exitCode({ code = 0, signal }: Status, { expected }: Settings): number {
	const own = signal === undefined ? code : 128 + signal;
	return expected.has(own) ? 0 : own;
}

// ==== from finish-stragglers.ts

/** `--kill-stragglers`: SIGTERM, then SIGKILL, for whatever is left once the program has ended. */

/** Between SIGTERM and SIGKILL, when no stop timeout says how long. */
const STOP_MS = 5_000;
/** They get at least so long, even when the stop timeout has passed. */
const LEAST_STOP_MS = 200;
const KILL_MS = 1_000;

export async function finishStragglers(leftMs: number | undefined, tell: Tell): Promise<void> {
	const stopMs = Math.max(leftMs ?? STOP_MS, LEAST_STOP_MS);
	const report = await endStragglers({ stopMs, killMs: KILL_MS });
	if (report.found.length > 0) tell({ type: "stragglers.ended", ...report });
}
