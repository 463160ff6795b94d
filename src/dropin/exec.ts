/**
 * The init of one program in the foreground: parse, spawn, then forward signals and reap until the program has ended.
 *
 * The program is spawned first, and everything that can wait waits: only this folder, base/ and os/ are loaded by then.
 * Three failures are fatal: wrong arguments, a program that cannot be started, and a refused subreaper outside PID 1.
 * After the start none is.
 */
import { attempt, errorInfo } from "../base/errors.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import { bindingFaults, foreignFunctions } from "../os/ffi/ffi.ts";
import { libc, type WaitStatus } from "../os/ffi/libc.ts";
import { isOwnBrokenPipe } from "../os/output/output.ts";
import { endStragglers } from "../os/processes/stragglers.ts";
import { listenToAll, listenToFaultsToo, listenToRealTimeToo, onSignal } from "../os/signals/signals.ts";
import { widenSignalPipe } from "../os/signals/special.ts";
import { findOnPath, ignoreTerminalStops, openTerminal } from "../os/spawn/spawn.ts";
import { dumbInitListensTo, parseDumbInit, suspendAt } from "./dumb-init.ts";
import { createStopDeadline, forward } from "./forward.ts";
import { exitStatus, type Print } from "./message.ts";
import { createPrinter } from "./printer.ts";
import { startProgram } from "./program.ts";
import type { Identity, Settings } from "./settings.ts";
import { parseTini } from "./tini-args.ts";

const SIGHUP = 1;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIGCONT = 18;
const ENOENT = 2;
const EACCES = 13;
const FLUSH_MS = 200;
/** The wait after a SIGPIPE: if a write of ours is the cause, the write has failed by then, in libuv's pool, too. */
const OWN_PIPE_MS = 20;

/** For `--kill-stragglers`: time between SIGTERM and SIGKILL, if there is no stop timeout. */
const STRAGGLERS_STOP_MS = 5_000;
/** The least such time, even when the stop timeout has passed. */
const STRAGGLERS_LEAST_STOP_MS = 200;
/** The longest wait for the effect of SIGKILL. */
const STRAGGLERS_KILL_MS = 1_000;

/**
 * Runs a program to its end.
 *
 * @returns The exit code to end with. "unknown word": there is no such program, and the first word may be a misspelt
 * command of ours; nothing has been printed.
 */
export async function exec(
	args: readonly string[],
	env: NodeJS.ProcessEnv,
	identity: Identity,
): Promise<number | "unknown word"> {
	const parse = identity.style === "dumb-init" ? parseDumbInit : parseTini;
	const plan = parse(args, env, identity);
	if (plan.type === "answer") {
		if (plan.stdout) process.stdout.write(plan.stdout);
		if (plan.stderr) process.stderr.write(plan.stderr);
		return plan.code;
	}
	// A word after flags or `--`, or with a slash in it, is always a program.
	const { command } = plan.settings;
	const mayBeCommand = identity.subcommands && command.length === args.length && !command[0]?.includes("/");
	return supervise(plan.settings, mayBeCommand);
}

async function supervise(settings: Settings, mayBeCommand: boolean): Promise<number | "unknown word"> {
	const { command, identity, verbosity } = settings;
	const [program = ""] = command;
	const isDumbInit = identity.style === "dumb-init";
	// Keeps all messages in memory until begin().
	const printer = createPrinter(settings);
	const { print } = printer;
	if (!becomeInit(settings, print)) {
		printer.begin();
		await printer.flush(FLUSH_MS);
		return 1;
	}
	listenToAll(isDumbInit ? dumbInitListensTo : []);
	if (verbosity > 1) process.on("SIGCHLD", () => print({ type: "signal.received", number: SIGCHLD }));

	const started = await startProgram(settings);
	if ("errno" in started) {
		const { errno } = started;
		// ENOENT alone is not enough: the program may be a script whose interpreter is missing.
		if (mayBeCommand && errno === ENOENT && findOnPath(program) === undefined) return "unknown word";
		// Drops the warnings of becomeInit(): without a program there are no orphans. tini prints them all the same.
		if (identity.subcommands) printer.forget();
		printer.begin();
		print({ type: "program.failed", program, errno });
		await printer.flush(FLUSH_MS);
		return exitCode(startFailureCode(errno, isDumbInit), settings);
	}
	printer.begin();
	const { pid } = started;
	// Listeners for signals do not keep Node.js alive.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	process.on("uncaughtException", (error) => print({ type: "init.failed", error: error.stack ?? String(error) }));
	print({ type: "program.spawned", program, pid });

	const ended = Promise.withResolvers<WaitStatus>();
	let running = true;
	const deadline = createStopDeadline(pid, settings, print);
	const ignoredOnce = new Set(started.lostTerminal ? [SIGHUP, SIGCONT] : []);
	const onNumber = (number: number) => {
		print({ type: "signal.received", number });
		if (!running) return;
		if (ignoredOnce.delete(number)) return print({ type: "signal.handedOff", number });
		if (forward(number, pid, settings, print)) deadline.start(number);
		if (isDumbInit) suspendAt(number, print);
	};
	onSignal(({ number }) => {
		if (number !== SIGPIPE) return onNumber(number);
		// A message of ours that found no reader causes a SIGPIPE, too. The program must not get that signal, and a message
		// about the signal would cause another one.
		setTimeout(() => isOwnBrokenPipe() || onNumber(number), OWN_PIPE_MS);
	});
	const ffi = foreignFunctions();
	if (ffi) {
		// Each of these can fail alone. The program goes on.
		try {
			listenToRealTimeToo(ffi);
		} catch (error) {
			print({ type: "realTimeSignals.unheard", why: errorInfo(error).message });
		}
		attempt(() => (isDumbInit ? listenToFaultsToo(ffi) : ignoreTerminalStops(ffi)));
	}
	attempt(() => widenSignalPipe(ffi));
	started.watch(({ pid: reaped, ...status }) => {
		const isProgram = reaped === pid;
		if (isProgram) {
			running = false;
			deadline.cancel();
		}
		const report = () => {
			print({ type: "process.reaped", pid: reaped, isProgram, status });
			if (!isProgram) return;
			// dumb-init also ends what the program leaves behind in its group.
			if (isDumbInit) forward(SIGTERM, pid, settings, print);
			print({ type: "program.exited", status });
			ended.resolve(status);
		};
		// The message of the SIGCHLD comes first, as from tini: between these two turns the event loop polls for signals.
		if (verbosity > 1) setImmediate(() => setImmediate(report));
		else report();
	});

	const status = await ended.promise;
	if (settings.killStragglers) await finishStragglers(deadline.leftMs(), print);
	if (ffi) openTerminal(ffi)?.takeBack(pid);
	const code = exitCode(exitStatus(status), settings);
	const childrenLeft = verbosity > 3 && libc()?.hasChildren() === true;
	print({ type: "init.exiting", code, childrenLeft });
	await printer.flush(FLUSH_MS);
	clearInterval(hold);
	return code;
}

/**
 * Takes on the duties of an init as far as the kernel allows, and says what it does not allow.
 *
 * @returns Whether the program may be started.
 */
function becomeInit({ parentDeathSignal, subreaper }: Settings, print: Print): boolean {
	if (!foreignFunctions()) {
		print({ type: "binding.missing", why: bindingFaults });
		return true;
	}
	const isInit = process.pid === 1;
	// libc() only where it is needed: usually it is not, and binding its functions takes a moment.
	if (parentDeathSignal !== undefined && !libc()?.setParentDeathSignal(parentDeathSignal))
		print({ type: "parentDeathSignal.refused" });
	if (!subreaper) {
		if (!isInit && !libc()?.isSubreaper()) print({ type: "orphans.unreachable" });
		return true;
	}
	if (libc()?.becomeSubreaper()) {
		print({ type: "subreaper.registered" });
		return true;
	}
	// PID 1 gets the orphans all the same.
	print({ type: "subreaper.refused", fatal: !isInit });
	return isInit;
}

/** The exit code for a program that could not be started: a shell's, or dumb-init's. */
function startFailureCode(errno: number, isDumbInit: boolean): number {
	if (isDumbInit) return 2;
	if (errno === ENOENT) return 127;
	return errno === EACCES ? 126 : 1;
}

/** The code to end with: 0 for a code that the user expects (`-e`). */
function exitCode(code: number, { expected }: Settings): number {
	return expected.has(code) ? 0 : code;
}

/** `--kill-stragglers`: SIGTERM, then SIGKILL, for every process that is left once the program has ended. */
async function finishStragglers(leftMs: number | undefined, print: Print): Promise<void> {
	const stopMs = Math.max(leftMs ?? STRAGGLERS_STOP_MS, STRAGGLERS_LEAST_STOP_MS);
	const report = await endStragglers({ stopMs, killMs: STRAGGLERS_KILL_MS });
	if (report.found.length > 0) print({ type: "stragglers.ended", ...report });
}
