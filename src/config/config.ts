/** The configuration as its author writes it. */
import type { ResourceLimits } from "node:worker_threads";
import type { LogLevel } from "../logger.ts";

/** A number with a unit: `"500ms"`, `"10s"`, `"1m30s"`. */
export type Duration = string;

export interface Config {
	/** What runs, by name. At least one. */
	jobs: Record<string, JobConfig>;
	/**
	 * The time the platform gives between its stop signal and its SIGKILL: write the number you gave to `docker stop -t`,
	 * `stop_grace_period`, `terminationGracePeriodSeconds`. A tenth of it (half a second to a second) is kept for the report.
	 *
	 * @default what the platform grants: 10s in Docker, 30s in Kubernetes, …; `LASTCALL_STOP_TIMEOUT` and `--stop-timeout` go first
	 */
	stopTimeout?: Duration;
	/** @default "info" */
	logLevel?: LogLevel;
	/**
	 * `json`: one object a line; `pretty`: for people.
	 *
	 * @default pretty when standard output is a terminal, else json
	 */
	logFormat?: "json" | "pretty";
}

export interface JobConfig {
	/** File whose default export is the job's function, relative to the configuration. TypeScript runs as it is. */
	thread: string;
	/** Handed to the job as a copy: whatever structuredClone() takes. */
	data?: unknown;
	/** Environment variables beside those of the init. */
	env?: Record<string, string>;
	/**
	 * How long the job may take to join when it is asked to stop. The deadline of the program may give it less.
	 *
	 * @default until the deadline of the program
	 */
	stopTimeout?: Duration;
	/**
	 * Whether the program stops when this job ends, for whatever reason.
	 *
	 * @default true
	 */
	essential?: boolean;
	/** Limits of the thread's JavaScript heap, in MB: see `worker_threads`. Buffers do not count. */
	resourceLimits?: ResourceLimits;
}

/** Gives the configuration its type in an editor; returns it as it is. */
export function defineConfig(config: Config): Config {
	return config;
}
