/** The shape of a configuration. What a shape cannot say (that a file is there, that names fit) is in checks.ts. */
import { constants } from "node:os";
import { LOG_FORMATS, LOG_LEVELS } from "../base/logger.ts";
import type { StopSignal } from "./config.ts";
import {
	argument,
	choice,
	cloneable,
	duration,
	environment,
	explain,
	fields,
	foundIn,
	objectOnly,
	text,
	wholeNumber,
} from "./fields.ts";
import * as v from "./validator.ts";

const SIGNALS = Object.keys(constants.signals) as NodeJS.Signals[];

/** What the configuration may name as stop signals. */
export const STOP_SIGNALS = [
	"SIGHUP",
	"SIGINT",
	"SIGPWR",
	"SIGQUIT",
	"SIGTERM",
	"SIGUSR1",
	"SIGUSR2",
	"SIGWINCH",
] as const satisfies StopSignal[];

const readiness = v.union(
	[
		v.picklist(["notify", "exit"]),
		fields({
			http: v.pipe(
				text,
				v.regex(/^https?:\/\/[^/]/, 'found no URL, expected one such as "http://127.0.0.1:8080/"'),
				v.check((url) => URL.canParse(url), 'found no URL, expected one such as "http://127.0.0.1:8080/"'),
			),
		}),
		fields({
			tcp: v.pipe(
				text,
				v.regex(/^(\[[^\]]+\]|[^:]+):\d{1,5}$/, 'found no address, expected one such as "127.0.0.1:5432"'),
				v.check(
					(address) => isPort(Number(address.split(":").at(-1))),
					"found no port in it, expected one from 1 to 65535",
				),
			),
		}),
	],
	(issue) => `found ${foundIn(issue)}, expected "notify", "exit", {http: URL} or {tcp: "HOST:PORT"}`,
);

const common = {
	env: v.optional(environment, {}),
	dependsOn: v.optional(v.array(text, explain), []),
	readiness: v.optional(readiness),
	startTimeout: v.optional(duration),
	restart: v.optional(choice(["no", "on-failure", "always"]), "no"),
	restartDelay: v.optional(duration, "1s"),
	maxRestarts: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
	stopTimeout: v.optional(duration),
	essential: v.optional(v.boolean(explain), true),
};

/** Beyond them V8 gives up the whole process, or the kernel finds no room for the thread. */
const megabytes = (min: number, max: number) =>
	v.optional(
		v.pipe(
			v.number(explain),
			v.minValue(min, ({ input }) => `found ${input}, expected at least ${min}`),
			v.maxValue(max, ({ input }) => `found ${input}, expected at most ${max}`),
		),
	);

const threadOnly = {
	data: v.optional(cloneable),
	resourceLimits: v.optional(
		fields({
			// The heap of an empty thread takes 9.
			maxOldGenerationSizeMb: megabytes(10, 1_048_576),
			maxYoungGenerationSizeMb: megabytes(1, 1_048_576),
			codeRangeSizeMb: megabytes(1, 2_048),
			stackSizeMb: megabytes(1, 1_024),
		}),
	),
};

const processOnly = {
	cwd: v.optional(text),
	stopSignal: v.optional(choice(SIGNALS), "SIGTERM"),
	successExitCodes: v.optional(v.array(wholeNumber(0, 255), explain), []),
	output: v.optional(choice(["inherit", "log"]), "inherit"),
};

const threadJob = fields(
	{ thread: text, ...threadOnly, ...common },
	{
		thread: 'missing, expected "thread" (a file) or "command" (a program)',
		command: 'found both "thread" and "command", expected one of them',
		...sayOfAll(processOnly, "only a job with a command has this field"),
	},
);

const processJob = fields(
	{
		command: v.pipe(
			v.array(argument, explain),
			v.nonEmpty("is empty, expected a program and its arguments"),
			v.check(([program]) => program !== "", "begins with an empty text, expected a program"),
		),
		...processOnly,
		...common,
	},
	sayOfAll(threadOnly, "only a job with a thread has this field"),
);

/** Which of the two a job is meant to be, so that its mistakes are told as those of that kind. */
const job = v.lazy((input): typeof threadJob | typeof processJob =>
	typeof input === "object" && input !== null && "command" in input && !("thread" in input) ? processJob : threadJob,
);

function config<Job extends v.GenericSchema>(job: Job) {
	const jobs = objectOnly(v.record(v.string(), job, explain));
	return fields({
		$schema: v.optional(v.string()),
		jobs: v.pipe(
			jobs,
			v.check((jobs) => Object.keys(jobs).length > 0, "found no job, expected at least one"),
		),
		stopTimeout: v.optional(duration),
		drainDelay: v.optional(duration, "0s"),
		stopSignals: v.optional(
			v.pipe(v.array(choice(STOP_SIGNALS), explain), v.nonEmpty("found no signal, expected at least one")),
			["SIGTERM", "SIGINT"],
		),
		http: v.optional(
			fields({
				host: v.optional(text, "127.0.0.1"),
				port: wholeNumber(1, 65_535),
			}),
		),
		socket: v.optional(v.union([text, v.literal(false)])),
		terminationMessage: v.optional(v.union([text, v.literal(false)])),
		logLevel: v.optional(choice(LOG_LEVELS), "info"),
		logFormat: v.optional(choice(LOG_FORMATS)),
	});
}

function isPort(number: number): boolean {
	return number >= 1 && number <= 65_535;
}

function sayOfAll(entries: Readonly<Record<string, unknown>>, message: string): Record<string, string> {
	return Object.fromEntries(Object.keys(entries).map((name) => [name, message]));
}

export const configSchema = config(job);

/** The same for editors: a JSON Schema says "one of the two" by itself. */
export const publishedSchema = config(v.union([threadJob, processJob]));

/** A configuration of the right shape: defaults filled in, durations in milliseconds. */
export type CheckedConfig = v.InferOutput<typeof configSchema>;
export type JobSettings = CheckedConfig["jobs"][string];
export type ThreadSettings = Extract<JobSettings, { thread: string }>;
export type ProcessSettings = Extract<JobSettings, { command: string[] }>;
