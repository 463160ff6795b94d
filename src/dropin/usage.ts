/** What is printed instead of starting a program. */
import { readVersion } from "../base/version.ts";
import type { Identity } from "./settings.ts";

/** Whose behaviour it is that the foreign names promise; who parses the version (Docker does) reads these. */
const TINI_VERSION = "0.19.0";
const DUMB_INIT_VERSION = "1.2.5";

export function tiniVersion({ style }: Identity): string {
	return style === "tini"
		? `tini version ${TINI_VERSION} - lastcall ${readVersion()}\n`
		: `lastcall ${readVersion()}\n`;
}

export function dumbInitVersion(): string {
	return `dumb-init v${DUMB_INIT_VERSION}\n`;
}

export function tiniUsage(identity: Identity): string {
	const { name } = identity;
	return `${name} (${tiniVersion(identity).trimEnd()})
Usage: ${name} [OPTIONS] PROGRAM -- [ARGS] | --version

Runs PROGRAM as the init of a container: passes signals on to it, reaps orphans,
ends with its exit code.

Command line options:

  --version: Print the version; only alone.
  -h: Print this help.
  -s: Adopt and reap orphans though not PID 1 (subreaper).
  -p SIGNAL: Have SIGNAL sent to us when our parent dies, such as "-p SIGTERM".
  -v: Say more; up to three times.
  -w: Warn of each orphan that is reaped.
  -g: Send signals to the program's whole process group.
  -e EXIT_CODE: Turn this exit code (0 to 255) of the program into 0; repeatable.
  -l: Print the license.

  --stop-timeout DURATION: Kill the program if it still runs so long after SIGTERM
      or SIGINT, such as 8s; choose it below the runtime's own.
  --kill-stragglers: When the program has ended, end what else is left (SIGTERM,
      then SIGKILL) and wait for it.
  --rewrite S:R: Send signal number R for a received S; 0 to drop it; repeatable.
  --setsid: Start the program in a session of its own, and signal all of its group.
  --single-child: Start the program in our own process group, and signal it alone.
  --json: Messages as JSON lines.

Environment variables:

  TINI_SUBREAPER, LASTCALL_SUBREAPER: As -s, when set.
  TINI_VERBOSITY, LASTCALL_VERBOSITY: 0 to 4 (default: 1); overrides -v.
  TINI_KILL_PROCESS_GROUP, LASTCALL_KILL_PROCESS_GROUP: As -g, when set.
  LASTCALL_STOP_TIMEOUT: As --stop-timeout.

`;
}

export function dumbInitUsage({ name }: Identity): string {
	return `${dumbInitVersion()}Usage: ${name} [option] command [[arg] ...]

Runs a command as the init of a container: passes signals on to its session, reaps
orphans, ends with its exit code.

Optional arguments:
   -c, --single-child   Signal the command alone, not the rest of its session.
   -r, --rewrite s:r    Send signal number r for a received s; 0 to drop it.
                        This option can be given more than once.
   -v, --verbose        Say on stderr what happens.
   -h, --help           Print this help.
   -V, --version        Print the version.
`;
}

export const DUMB_INIT_REWRITE_USAGE = `Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.
This option can be specified multiple times.
Use --help for full usage.
`;

export const LICENSE = `MIT License

Copyright (c) 2026 the lastcall authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;
