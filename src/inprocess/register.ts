/** `lastcall/register`: takes the duties of PID 1 in the main thread of PID 1, and does nothing elsewhere. */
import { UserError } from "../base/errors.ts";
import { inWorkerThread } from "../base/versions.ts";
import { resolveStopTimeout } from "../config/stop-timeout.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import { libc } from "../os/ffi/libc.ts";
import { startReaper } from "../os/processes/reaper.ts";
import { unclaimedZombies } from "../os/processes/unclaimed-zombies.ts";
import { appInit } from "./app-init.ts";

const EXIT_USAGE = 2;
/** Delay of the first scan for zombies: the app has started by then. */
const FIRST_SCAN_MS = 1_000;
const SCAN_MS = 5_000;

/**
 * Worker threads and child processes inherit `--import`, and are left alone. `LASTCALL_SUBREAPER` (neither empty nor 0)
 * makes a process that is not PID 1 adopt and reap the orphans below it.
 */
export function register(): void {
	if (inWorkerThread()) return;
	if (process.pid === 1) {
		appInit().takeSignals();
		checkSettings();
		reapOrphans();
	} else if (!["", "0"].includes(process.env.LASTCALL_SUBREAPER ?? "")) {
		const became = libc()?.becomeSubreaper();
		if (became) reapOrphans();
		else warn("cannot become a subreaper", became === false ? "the kernel refuses prctl(2)" : undefined);
	}
}

/** Reports a mistake in the environment now, not at the stop. */
function checkSettings(): void {
	try {
		resolveStopTimeout(undefined, process.env, undefined);
	} catch (error) {
		if (!(error instanceof UserError)) throw error;
		process.stderr.write(`lastcall: ${error.message}\n`);
		process.exit(EXIT_USAGE);
	}
}

/** Loads the foreign functions when a child has died: the start does not wait for them. */
function reapOrphans(): void {
	const start = () => {
		clearTimeout(timer);
		const c = libc();
		// The interval finds dead children of worker threads: no SIGCHLD announces them.
		if (c) {
			const scan = startReaper(c, () => {}, unclaimedZombies);
			setInterval(scan, SCAN_MS).unref();
		} else warn("cannot reap orphans");
		// Last: without any listener libuv would release the signal for a moment.
		process.off("SIGCHLD", start);
	};
	process.on("SIGCHLD", start);
	// Finds children that died before Node.js started: those of a shell that became this program by exec(3).
	const timer = setTimeout(start, FIRST_SCAN_MS).unref();
}

function warn(what: string, why = `neither node:ffi nor koffi loads here (${TO_GET_BINDING})`): void {
	process.emitWarning(`lastcall/register ${what}: ${why}`);
}
