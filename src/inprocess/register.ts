/** What `lastcall/register` does, and where it does nothing. */

import { UserError } from "../base/errors.ts";
import { inWorkerThread } from "../base/in-worker.ts";
import { resolveStopTimeout } from "../config/stop-timeout.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import { libc } from "../os/ffi/libc.ts";
import { startReaper } from "../os/processes/reaper.ts";
import { patience } from "../os/processes/unclaimed-zombies.ts";
import { appInit } from "./app-init.ts";

const EXIT_USAGE = 2;
/** Long after the app has started. */
const FIRST_LOOK_MS = 1_000;
const LOOK_MS = 5_000;

/**
 * Takes PID 1's duties in the main thread of PID 1. In worker threads and child processes, which inherit `--import`, it does
 * nothing, unless `LASTCALL_SUBREAPER` (anything but empty and 0) asks a process to adopt the orphans below it.
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

/** A mistake in the environment is said now, and not at the stop. */
function checkSettings(): void {
	try {
		resolveStopTimeout(undefined, process.env, undefined);
	} catch (error) {
		if (!(error instanceof UserError)) throw error;
		process.stderr.write(`lastcall: ${error.message}\n`);
		process.exit(EXIT_USAGE);
	}
}

/** The foreign functions are loaded when a child has died, so the start does not wait for them. */
function reapOrphans(): void {
	const start = () => {
		clearTimeout(timer);
		const c = libc();
		if (c) {
			const look = startReaper(c, () => {}, patience);
			// No signal tells of the dead children that a worker thread leaves behind.
			setInterval(look, LOOK_MS).unref();
		} else warn("cannot reap orphans");
		// Last: without any listener libuv would give the signal up for a moment.
		process.off("SIGCHLD", start);
	};
	process.on("SIGCHLD", start);
	// What had died before nobody tells of: children of a shell that then became this program.
	const timer = setTimeout(start, FIRST_LOOK_MS).unref();
}

function warn(what: string, why = `neither node:ffi nor koffi loads here (${TO_GET_BINDING})`): void {
	process.emitWarning(`lastcall/register ${what}: ${why}`);
}
