/** What tini's `-h`, `-l` and `--version` print, in lastcall's words. */
import { readFileSync } from "node:fs";
import { readVersion } from "../base/version.ts";
import type { Identity } from "./settings.ts";

/** The version whose behaviour the name tini promises. Docker parses it. */
const TINI_VERSION = "0.19.0";

export function tiniVersion({ style }: Identity): string {
	const own = `lastcall ${readVersion()}\n`;
	return style === "tini" ? `tini version ${TINI_VERSION} - ${own}` : own;
}

export function tiniUsage(identity: Identity): string {
	const { name } = identity;
	return `${name} (${tiniVersion(identity).trimEnd()})
Usage: ${name} [OPTIONS] PROGRAM -- [ARGS] | --version

Runs PROGRAM as the init of a container: passes signals on to it, reaps orphans,
ends with its exit code.

Command line options:

  --version: Print the version; works only as the sole argument.
  -h: Print this help.
  -s: Adopt and reap orphans without being PID 1 (as a child subreaper).
  -p SIGNAL: Receive SIGNAL when our parent dies, such as "-p SIGTERM".
  -v: Print more messages; up to three times.
  -w: Print a warning for each orphan that is reaped.
  -g: Send signals to the program's whole process group.
  -e EXIT_CODE: Turn this exit code (0 to 255) of the program into 0; repeatable.
  -l: Print the license.

  --stop-timeout DURATION: Kill the program if it still runs this long after SIGTERM
      or SIGINT, such as 8s. Choose less than the runtime's own timeout.
  --kill-stragglers: When the program has ended, end all other processes (SIGTERM,
      then SIGKILL) and wait for them.
  --rewrite S:R: Send signal number R for a received S; 0 to drop it; repeatable.
  --setsid: Start the program in a session of its own, and signal its whole group.
  --single-child: Start the program in our own process group, and signal it alone.
  --json: Print messages as JSON lines.

Environment variables:

  TINI_SUBREAPER, LASTCALL_SUBREAPER: As -s, when set.
  TINI_VERBOSITY, LASTCALL_VERBOSITY: 0 to 4 (default: 1); overrides -v.
  TINI_KILL_PROCESS_GROUP, LASTCALL_KILL_PROCESS_GROUP: As -g, when set.
  LASTCALL_STOP_TIMEOUT: As --stop-timeout.

`;
}

/** The text of LICENSE, put in by scripts/lib/bundle.ts: the single executable has no files. Absent when the sources run. */
declare const LASTCALL_LICENSE: string | undefined;

export function license(): string {
	if (typeof LASTCALL_LICENSE === "string") return LASTCALL_LICENSE;
	return readFileSync(new URL("../../LICENSE", import.meta.url), "utf8");
}
