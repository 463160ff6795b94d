/** The configuration as its author writes it. */
import type { ResourceLimits } from "node:worker_threads";
import type { LogLevel } from "../base/logger.ts";

/** A number with a unit: `"500ms"`, `"10s"`, `"1m30s"`. */
export type Duration = string;

export type StopSignal = "SIGHUP" | "SIGINT" | "SIGPWR" | "SIGQUIT" | "SIGTERM" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH";

export interface Config {
	/** What runs, by name: up to 64 letters, digits, `_`, `.` and `-`. At least one. */
	jobs: Record<string, JobConfig>;
	/**
	 * The time the platform gives between its stop signal and its SIGKILL: write the number you gave to `docker stop -t`,
	 * `stop_grace_period`, `terminationGracePeriodSeconds`. A tenth of it (half a second to a second) is kept for the report.
	 *
	 * @default what the platform grants: 10s in Docker, 30s in Kubernetes, …; `LASTCALL_STOP_TIMEOUT` and `--stop-timeout` go first
	 */
	stopTimeout?: Duration;
	/**
	 * How long to go on after a stop signal before the first job is asked to stop: time for load balancers to notice that
	 * `/readyz` answers 503. A part of `stopTimeout`.
	 *
	 * @default "0s"
	 */
	drainDelay?: Duration;
	/**
	 * Signals that stop the program; all others are passed on to the processes. Name the `STOPSIGNAL` of your image here: one that is
	 * built on nginx or php-fpm has SIGQUIT.
	 *
	 * @default ["SIGTERM", "SIGINT"]
	 */
	stopSignals?: StopSignal[];
	/** Serves `/livez`, `/readyz`, `/status` and `/metrics` by HTTP. Read-only. @default not served */
	http?: {
		/** Address to listen on. @default "127.0.0.1" */
		host?: string;
		/** 1 to 65535. If it is taken nothing is started. */
		port: number;
	};
	/**
	 * Path of the Unix socket for `lastcall status`, `stop`, `restart` and `signal`; `false` for none. `LASTCALL_SOCKET`
	 * goes first.
	 *
	 * @default as PID 1 the first that can be written of /run, the temporary folder and /dev/shm, with the name lastcall.sock; else none
	 */
	socket?: string | false;
	/**
	 * File that gets the summary of a failed run; `false` for none. `LASTCALL_TERMINATION_MESSAGE` goes first.
	 *
	 * @default "/dev/termination-log" where it exists: Kubernetes makes it
	 */
	terminationMessage?: string | false;
	/** @default "info" */
	logLevel?: LogLevel;
	/**
	 * `json`: one object a line; `pretty`: for people.
	 *
	 * @default pretty when standard output is a terminal, else json
	 */
	logFormat?: "json" | "pretty";
	/** For editors: the JSON Schema of this file. */
	$schema?: string;
}

/** A job is a thread or a process. */
export type JobConfig = ThreadJobConfig | ProcessJobConfig;

export interface ThreadJobConfig extends CommonJobConfig {
	/** File whose default export is the job's function, relative to the configuration. TypeScript runs as it is. */
	thread: string;
	/** Handed to the job as a copy: whatever structuredClone() takes. */
	data?: unknown;
	/** Limits of the thread's JavaScript heap, in MB: see `worker_threads`. Buffers do not count. */
	resourceLimits?: ResourceLimits;
}

export interface ProcessJobConfig extends CommonJobConfig {
	/** Program and arguments. The program is looked up on PATH, or is a path relative to `cwd`. No shell is involved. */
	command: readonly [string, ...string[]];
	/** Working directory, relative to the configuration. @default that of the init */
	cwd?: string;
	/** The signal that asks it to stop. @default "SIGTERM" */
	stopSignal?: NodeJS.Signals;
	/** Exit codes that count as success beside 0. @default [] */
	successExitCodes?: readonly number[];
	/**
	 * `inherit`: what it writes passes untouched; `log`: each line becomes a log record with `job` and `stream`.
	 *
	 * @default "inherit"
	 */
	output?: "inherit" | "log";
}

interface CommonJobConfig {
	/** Environment variables beside those of the init. */
	env?: Record<string, string>;
	/** Jobs that have to be ready before this one starts, and that stop only after it. @default [] */
	dependsOn?: readonly string[];
	/**
	 * When the job is ready. `notify`: when it says so (a thread: `ready()`; a process: `process.send("ready")`, or
	 * `READY=1` to `NOTIFY_SOCKET`). `exit`: when it has ended well. `http`: when a GET of this URL is answered with a
	 * status from 200 to 399. `tcp`: when `HOST:PORT` accepts connections.
	 *
	 * @default when it has started
	 */
	readiness?: "notify" | "exit" | { http: string } | { tcp: string };
	/**
	 * How long the job may take until it is ready. After that it is stopped, and has failed.
	 *
	 * @default "1m"; with readiness `exit` for ever
	 */
	startTimeout?: Duration;
	/** Whether it is started again when it ends. @default "no" */
	restart?: "no" | "on-failure" | "always";
	/**
	 * Time before the first restart. It doubles with each further one up to a minute; a run of ten seconds sets it back. Up
	 * to a quarter is added at random.
	 *
	 * @default "1s"
	 */
	restartDelay?: Duration;
	/** Restarts in a row, without a run of ten seconds between them, before it has ended for good. @default 10 for failures, no limit for runs that end well */
	maxRestarts?: number;
	/**
	 * How long the job may take to join when it is asked to stop. The deadline of the program may give it less.
	 *
	 * @default until the deadline of the program
	 */
	stopTimeout?: Duration;
	/**
	 * Whether the program stops when this job has ended for good. With readiness `exit` only its failure counts.
	 *
	 * @default true
	 */
	essential?: boolean;
}

/** Gives the configuration its type in an editor; returns it as it is. */
export function defineConfig(config: Config): Config {
	return config;
}
