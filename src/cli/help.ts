/** The help: an overview, a page for each subcommand but rehearse (at most 24 lines of 80 columns), the answer to an unknown word. */
import { plain, show, UserError } from "../base/errors.ts";
import { SUBCOMMANDS, type WithPage } from "./args.ts";

const EXIT_NOT_FOUND = 127;

const OVERVIEW = `Usage: lastcall COMMAND [ARGUMENTS]
       lastcall [FLAGS] [--] PROGRAM [ARG...]

Commands
  run       Runs the jobs of a configuration as the init of a container
  check     Checks a configuration, and prints what run would do with it
  status    Prints the state of this container's init and its jobs
  stop      Stops one job, or the whole program
  start     Starts a job that was stopped
  restart   Restarts one job
  signal    Sends a signal to one job
  rehearse  Stops a program or an image many times, and reports on the stops
  init      Makes a configuration from package.json, a Procfile or pm2's file

PROGRAM runs in the foreground, as under tini: lastcall passes signals on to it,
reaps orphans, and exits with its exit code. To run a program that is called
like a command, put dashes before it: lastcall -- run

More help
  lastcall help COMMAND   The arguments, variables and exit codes of a command
  lastcall-init -h        The flags and variables for a program
  lastcall --version      The version
`;

const CONFIG = `CONFIG                   configuration file; default: lastcall.config.ts, .mts,
                         .js, .mjs, .json, .yaml, .yml in the working directory
--stop-timeout DURATION  time from the platform's stop signal to its SIGKILL,
                         such as 10s; overrides LASTCALL_STOP_TIMEOUT`;

const SOCKET = `--socket PATH    socket of the init; overrides LASTCALL_SOCKET. Without either:
                 that of a run in this directory, or of this container`;

const ANSWERS = `Environment variable
  LASTCALL_SOCKET  as --socket

Exit code  0  done
           1  not done, or no init answered: standard error says why
           2  wrong arguments`;

const PAGES: Readonly<Record<WithPage, string>> = {
	init: `Usage: lastcall init [--yes] [FILE]

Makes a configuration from what a project has: pm2's ecosystem file, a Procfile,
or the scripts of package.json. Shows it, what could not be translated, and the
lines for the Dockerfile. Overwrites nothing.

FILE       what to translate; default: ecosystem.config.js, .cjs, .mjs,
           Procfile, package.json in the working directory
-y, --yes  write lastcall.config.json

A script or a process that stays becomes a job; "prestart" and "release" run to
their end first. An ecosystem file in JavaScript is run.

Exit code  0  done
           2  there is a configuration, or nothing to make one of, or the one
              that was made has a mistake: standard error says which
`,
	run: `Usage: lastcall run [--stop-timeout DURATION] [CONFIG | -- PROGRAM [ARG...]]
Runs the jobs of a configuration, or one program, as the init of a container. At
a stop signal it asks each job to stop, joins each job, reports and exits.

${CONFIG}

Environment variables override the configuration:
  LASTCALL_STOP_TIMEOUT         as --stop-timeout
  LASTCALL_SOCKET               path at which run makes its socket
  LASTCALL_TERMINATION_MESSAGE  file for the summary of a failed run
  LASTCALL_LOG_LEVEL            trace, debug, info, warn, error, fatal, silent
  LASTCALL_LOG_FORMAT           json or pretty

Signals    SIGTERM, SIGINT: stop. A second SIGINT sets the deadline to now.
           SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM: passed
           on to every job that is a process.
Exit code  0    every job joined after a requested stop
           1    a job failed
           2    wrong configuration or arguments: nothing was started
           124  something had to be killed at the deadline
           n    an essential job ended with code n, or by signal n - 128
`,
	check: `Usage: lastcall check [--stop-timeout DURATION] [CONFIG | -- PROGRAM [ARG...]]

Checks a configuration, and prints what run would do with it: which jobs start
after which, the next dates of schedules, and how the stop timeout is spent.
Starts nothing.

${CONFIG}

Environment variable
  LASTCALL_STOP_TIMEOUT  as --stop-timeout; overrides the configuration

Exit code  0  the configuration is valid
           2  wrong configuration or arguments: standard error says why
`,
	status: `Usage: lastcall status [--json] [--watch] [--socket PATH]

Prints the state of this container's init: whether it is ready, and the state of
each job. Works as a health check: HEALTHCHECK CMD ["lastcall", "status"]

--json           print everything, as JSON
-w, --watch      print it again every second, until interrupted
${SOCKET}

Environment variable
  LASTCALL_SOCKET  as --socket

Exit code  0  the program is ready
           1  it is not ready, or no init answered
           2  wrong arguments
`,
	stop: `Usage: lastcall stop [JOB] [--socket PATH]

Asks the init of this container to stop one job, and waits until it has stopped.
The jobs that depend on it keep running. Without JOB the whole program stops, as
at SIGTERM, except that no drain delay is waited for.

${SOCKET}

${ANSWERS}
`,
	start: `Usage: lastcall start JOB [--no-wait] [--socket PATH]

Asks the init of this container to start a job that was stopped or has ended,
and waits until it is ready. A scheduled job runs once now, and at its dates.

--no-wait        do not wait until it is ready
${SOCKET}

${ANSWERS}
`,
	restart: `Usage: lastcall restart JOB [--no-wait] [--socket PATH]

Asks the init of this container to stop one job and to start it again, and waits
until it is ready. The jobs that depend on it keep running.

--no-wait        do not wait until it is ready
${SOCKET}

${ANSWERS}
`,
	signal: `Usage: lastcall signal JOB SIGNAL [--socket PATH]

Asks the init of this container to send a signal to one job that is a process.

SIGNAL           its name, such as SIGHUP
${SOCKET}

${ANSWERS}
`,
};

/** @returns The page of a subcommand, or the overview. */
export function helpText(command?: WithPage): string {
	return command === undefined ? OVERVIEW : PAGES[command];
}

/**
 * Answers a first word that is neither a command nor a program that can be found.
 *
 * @param hasCommands Whether the subcommands are there: the single executable has none.
 * @returns The exit code.
 * @throws {UserError} if a command was probably meant.
 */
export async function answerUnknownWord(word: string, hasCommands: boolean): Promise<number> {
	if (hasCommands) {
		// Loaded here: a program that can be found does not need it.
		const { closest } = await import("../config/suggest.ts");
		const command = closest(word, [...SUBCOMMANDS, "help"]);
		if (command !== undefined)
			throw new UserError(
				`Cannot run ${show(word)}: found no such program, did you mean "lastcall ${command}"? (For a program of that name: lastcall -- ${plain(word)})`,
			);
	}
	console.error(`lastcall: Cannot run ${show(word)}: found no such program; lastcall --help lists the commands`);
	return EXIT_NOT_FOUND;
}
