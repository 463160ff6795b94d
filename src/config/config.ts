/** The configuration as its author writes it. */
import type { ResourceLimits } from "node:worker_threads";
import type { LogLevel } from "../base/logger.ts";

// Not `${number}`: that also matches "5 ", with a blank.
type TimeWithUnit = `${bigint}${"" | `.${bigint}`}${"ms" | "s" | "m" | "h"}`;

/** A time with its unit: `"500ms"`, `"10s"`, `"1m30s"`, `"1h"`. At most 24 days. For other text: {@link duration}. */
export type Duration =
	| TimeWithUnit
	| `${TimeWithUnit}${TimeWithUnit}`
	| `${TimeWithUnit}${TimeWithUnit}${TimeWithUnit}`;

/** Takes a text for a duration that the compiler does not know, from the environment for instance. Nothing is checked yet. */
export function duration(text: string): Duration {
	return text as Duration;
}

export type StopSignal = "SIGHUP" | "SIGINT" | "SIGPWR" | "SIGQUIT" | "SIGTERM" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH";

export interface Config {
	/** The jobs, by name. At least one. A name has up to 64 letters, digits, `_`, `.` and `-`. */
	jobs: Record<string, JobConfig>;
	/**
	 * The time that the platform gives between its stop signal and its SIGKILL, such as `stop_grace_period` or
	 * `terminationGracePeriodSeconds`. lastcall keeps a tenth of it (half a second to a second) for the work after the
	 * jobs' deadline. `--stop-timeout` and `LASTCALL_STOP_TIMEOUT` override it.
	 *
	 * @default the platform's default: "10s" in Docker, "30s" in Kubernetes, …
	 */
	stopTimeout?: Duration;
	/**
	 * The time between a stop signal and the moment when the first job is asked to stop. Meanwhile `/readyz` answers 503,
	 * so that load balancers send no more requests. It is part of `stopTimeout`.
	 *
	 * @default "0s"
	 */
	drainDelay?: Duration;
	/**
	 * The signals that stop the program. Other signals are passed on to the processes. Name the `STOPSIGNAL` of your
	 * image here: images that are built on nginx or php-fpm have SIGQUIT.
	 *
	 * @default ["SIGTERM", "SIGINT"]
	 */
	stopSignals?: StopSignal[];
	/** Serves `/livez`, `/readyz`, `/status` and `/metrics` by HTTP, read-only. @default not served */
	http?: {
		/** The address to listen on. @default "127.0.0.1" */
		host?: string;
		/** The port, 1 to 65535. If it is in use, nothing is started. */
		port: number;
	};
	/**
	 * Path of the Unix socket for `lastcall status`, `stop`, `start`, `restart` and `signal`, relative to the
	 * configuration. `false`: no socket. `LASTCALL_SOCKET` overrides it.
	 *
	 * @default as PID 1 in the first writable folder of /run, the temporary folder and /dev/shm, else in XDG_RUNTIME_DIR
	 */
	socket?: string | false;
	/**
	 * Path of the file for the summary of a failed run, relative to the configuration. The file must exist. `false`: no
	 * summary. `LASTCALL_TERMINATION_MESSAGE` overrides it.
	 *
	 * @default "/dev/termination-log", which Kubernetes creates
	 */
	terminationMessage?: string | false;
	/** `output` of every job that has none of its own. @default "log" for threads, "inherit" for processes */
	output?: Output;
	/** The lowest level that is logged: `silent` logs nothing. `LASTCALL_LOG_LEVEL` overrides it. @default "info" */
	logLevel?: LogLevel;
	/**
	 * `json`: one JSON object for each record. `pretty`: lines for people to read. `LASTCALL_LOG_FORMAT` overrides it.
	 *
	 * @default "pretty" if standard output is a terminal, otherwise "json"
	 */
	logFormat?: "json" | "pretty";
	/** The JSON Schema of this file, for editors. */
	$schema?: string;
}

export type Output = "inherit" | "log";

/** A job is a function in a thread, a function in a process of its own, or a program. It runs all the time, or when it is scheduled. */
export type JobConfig = (ThreadJobConfig | FunctionProcessJobConfig | CommandJobConfig) &
	(ContinuousJobConfig | ScheduledJobConfig);

interface ContinuousJobConfig {
	schedule?: never;
	timeZone?: never;
	overlap?: never;
}

/** Nothing can depend on a scheduled job: its runs come and go. */
interface ScheduledJobConfig {
	schedule: string | { every: Duration };
	readiness?: never;
	startTimeout?: never;
	restart?: "no" | "on-failure";
}

export interface ThreadJobConfig extends CommonJobConfig {
	/** The file whose default export is the job's function, relative to the configuration. It may be TypeScript. */
	thread: string;
	/** The job's own data: anything that structuredClone() can copy. The job gets a copy. @default none */
	data?: unknown;
	/** Limits of the thread's JavaScript memory in MB. They do not count buffers. @default Node.js's limits */
	resourceLimits?: ResourceLimits;
	process?: never;
	command?: never;
}

export interface FunctionProcessJobConfig extends ProcessJobConfig {
	/**
	 * The file whose default export is the job's function, relative to the configuration. It may be TypeScript. The
	 * function runs in a process of its own, with a flag that is shared as a thread's is.
	 */
	process: string;
	/** The job's own data: anything that the v8.serialize() of Node.js can copy. The job gets a copy. @default none */
	data?: unknown;
	/** Limits of the process's JavaScript memory in MB. They do not count buffers. @default Node.js's limits */
	resourceLimits?: Pick<ResourceLimits, "maxOldGenerationSizeMb" | "maxYoungGenerationSizeMb">;
	thread?: never;
	command?: never;
}

export interface CommandJobConfig extends ProcessJobConfig {
	/**
	 * The program and its arguments. The program is a path relative to `cwd`, or a name to find on PATH or in the
	 * project's `node_modules/.bin`. No shell is involved. A text such as `"npm start"` is split at its blanks; a backslash
	 * keeps a blank. It has no quotes: write a list for an argument that needs them.
	 */
	command: string | readonly [string, ...string[]];
	/**
	 * Whether the program gets the flag of its job as shared memory, which `LASTCALL_FLAG_FD` and `LASTCALL_WAKE_FD` name.
	 * The program gets the stop signal only if it does not look at the flag. @default false
	 */
	flag?: boolean;
	thread?: never;
	process?: never;
}

interface ProcessJobConfig extends CommonJobConfig {
	/** The working directory, relative to the configuration. @default the init's working directory */
	cwd?: string;
	/** The signal that asks the process to stop. @default "SIGTERM" */
	stopSignal?: NodeJS.Signals;
	/** Exit codes that count as success, like 0. @default [] */
	successExitCodes?: readonly number[];
}

/** A path, relative to the configuration. `required`: whether the file must exist. @default true */
type EnvFile = string | { path: string; required?: boolean };

interface CommonJobConfig {
	/**
	 * What becomes of the lines that the job prints. `log`: each line becomes a record of the log with `job` and `stream`;
	 * a line that is a JSON object stays that object, with `job` added. On a terminal the line follows the name of its
	 * job. `inherit`: a process writes directly to the init's standard output and error, and what a thread prints is
	 * passed on as it is.
	 *
	 * @default the `output` of the program, else "log" for threads, "inherit" for processes
	 */
	output?: Output;
	/**
	 * Environment variables, added to those of the init and of `envFile`. `{file}`: the value is the content of this file,
	 * without the line feed at its end. The path is relative to the configuration. The file is read once, before anything
	 * is started, and its content is shown nowhere.
	 *
	 * @default {}
	 */
	env?: Record<string, string | { file: string }>;
	/**
	 * Files of environment variables, in the form that `node --env-file` reads, relative to the configuration. Of two
	 * files with one variable the later one counts, and `env` counts before both. A missing file is a mistake, unless it
	 * says `required: false`. The values are shown nowhere.
	 *
	 * @default none
	 */
	envFile?: EnvFile | readonly EnvFile[];
	/** Jobs that must be ready before this job starts. They stop only after this job has stopped. @default [] */
	dependsOn?: readonly string[];
	/**
	 * When the job is ready. `notify`: when it says so (a thread by `ready()`; a process by `process.send("ready")`, or
	 * by `READY=1` to `NOTIFY_SOCKET`). `exit`: when it has ended successfully. `http`: when a GET request to this URL
	 * gets a status from 200 to 399. `tcp`: when `HOST:PORT` accepts connections.
	 *
	 * @default when it has started
	 */
	readiness?: "notify" | "exit" | { http: string } | { tcp: string };
	/**
	 * How long the job may take to become ready. After this time it is stopped, and counts as failed.
	 *
	 * @default "1m"; no limit with readiness `exit`
	 */
	startTimeout?: Duration;
	/**
	 * When the job runs: a cron expression of five fields, or of six with the seconds first; or `{every}`: an interval of
	 * at least a second, the first run after one interval. The restarts of a failed run belong to that run.
	 *
	 * @default from the start of the program on
	 */
	schedule?: string | { every: Duration };
	/** The IANA time zone of the cron expression, such as "Europe/Berlin". @default the init's: that of TZ */
	timeZone?: string;
	/**
	 * What becomes of a date that comes during a run. `skip`: there is no run for it. `wait`: one run follows at once,
	 * however many dates have come.
	 *
	 * @default "skip"
	 */
	overlap?: "skip" | "wait";
	/**
	 * When the job is started again: never, after a failure, or after every end (a scheduled job: never, or after a
	 * failure). @default "no"
	 */
	restart?: "no" | "on-failure" | "always";
	/**
	 * The delay before the first restart. The delay doubles with each further restart, up to one minute, and a run of ten
	 * seconds resets it. Up to a quarter is added at random.
	 *
	 * @default "1s"
	 */
	restartDelay?: Duration;
	/**
	 * How many times in a row the job is restarted before it ends for good. A run of ten seconds resets the count.
	 *
	 * @default 10 after failures, no limit after runs that end successfully
	 */
	maxRestarts?: number;
	/**
	 * How long the job may take to stop when it is asked to, also at a restart. The program's deadline may come first.
	 *
	 * @default until the program's deadline
	 */
	stopTimeout?: Duration;
	/**
	 * Whether the program stops when this job ends for good. With readiness `exit`, and of a scheduled job, only a failure
	 * counts. @default true; false for a scheduled job
	 */
	essential?: boolean;
	/**
	 * Checks the job while it runs. If it does not answer, a log line says where it hangs, and it is stopped; it has failed,
	 * and `restart` decides. With `http`, `tcp` or `command` the job is asked from outside. `heartbeat`: the job has to
	 * show a sign of life within this time.
	 *
	 * @default no checks
	 */
	liveness?: LivenessConfig;
}

/** How a job is checked while it runs. */
export type LivenessConfig = HttpCheckConfig | TcpCheckConfig | CommandCheckConfig | HeartbeatConfig;

interface CommonLivenessConfig {
	/**
	 * `exit`: ends the program with exit code 124 if the job hangs and cannot even be killed, such as a thread in native
	 * code, although it is not `essential`. @default only the job ends, and `/livez` answers 503
	 */
	onStuck?: "exit";
}

interface HeartbeatConfig extends CommonLivenessConfig {
	/**
	 * The longest time without a sign of life, at least "100ms". A function shows one whenever its event loop turns
	 * or waits, when it waits for its flag, and by `alive()`. A program shows one by `WATCHDOG=1` to `NOTIFY_SOCKET`.
	 */
	heartbeat: Duration;
	/** Functions only: only `alive()` counts. @default false */
	explicit?: boolean;
	interval?: never;
	timeout?: never;
	retries?: never;
	http?: never;
	tcp?: never;
	command?: never;
}

interface CheckConfig extends CommonLivenessConfig {
	/** The time between two checks, at least "100ms". @default "10s" */
	interval?: Duration;
	/** How long the answer may take, at least "100ms". @default "5s" */
	timeout?: Duration;
	/** This many checks in a row must fail. @default 3 */
	retries?: number;
	heartbeat?: never;
	explicit?: never;
}

interface HttpCheckConfig extends CheckConfig {
	/** The job is alive if a GET request to this URL gets a status from 200 to 399. */
	http: string;
	tcp?: never;
	command?: never;
}

interface TcpCheckConfig extends CheckConfig {
	/** The job is alive if `HOST:PORT` accepts connections. */
	tcp: string;
	http?: never;
	command?: never;
}

interface CommandCheckConfig extends CheckConfig {
	/** The job is alive if this command succeeds. It runs in the directory and with the environment of the job. */
	command: string | readonly [string, ...string[]];
	http?: never;
	tcp?: never;
}

/** Returns the configuration unchanged; it gives the configuration its type in an editor. */
export function defineConfig(config: Config): Config {
	return config;
}
