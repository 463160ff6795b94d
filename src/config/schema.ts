/** The schema of a configuration. checks.ts has the checks that a schema cannot express. */
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
	number,
	objectOnly,
	text,
	wholeNumber,
} from "./fields.ts";
import * as v from "./validator.ts";

/** The signals that `stopSignals` may name. */
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

const SIGNALS = Object.keys(constants.signals) as NodeJS.Signals[];

const BAD_URL = 'found no URL, expected one such as "http://127.0.0.1:8080/"';

const url = v.pipe(
	text,
	v.regex(/^https?:\/\/[^/]/, BAD_URL),
	v.check((url) => URL.canParse(url), BAD_URL),
);

const address = v.pipe(
	text,
	v.regex(/^(\[[^\]]+\]|[^:]+):\d{1,5}$/, 'found no address, expected one such as "127.0.0.1:5432"'),
	v.check((address) => {
		const port = Number(address.split(":").at(-1));
		return port >= 1 && port <= 65_535;
	}, "found no valid port, expected one from 1 to 65535"),
);

const readiness = v.union(
	[v.picklist(["notify", "exit"]), fields({ http: url }), fields({ tcp: address })],
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

const threadOnly = {
	data: v.optional(cloneable),
	// Outside these limits V8 aborts the whole process, or the kernel has no memory for the thread.
	resourceLimits: v.optional(
		fields({
			// The heap of an empty thread takes 9 MB.
			maxOldGenerationSizeMb: v.optional(number(10, 1_048_576)),
			maxYoungGenerationSizeMb: v.optional(number(1, 1_048_576)),
			codeRangeSizeMb: v.optional(number(1, 2_048)),
			stackSizeMb: v.optional(number(1, 1_024)),
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
		...remarkOnEach(processOnly, "only a job with a command has this field"),
	},
);

const command = v.pipe(
	v.array(argument, explain),
	v.nonEmpty("is empty, expected a program and its arguments"),
	v.check(([program]) => program !== "", "begins with an empty text, expected a program"),
);

const processJob = fields(
	{ command, ...processOnly, ...common },
	remarkOnEach(threadOnly, "only a job with a thread has this field"),
);

function remarkOnEach(entries: object, remark: string): Record<string, string> {
	return Object.fromEntries(Object.keys(entries).map((name) => [name, remark]));
}

/** Chooses the kind of a job first, so that the messages are about that kind. */
const job = v.lazy((input): typeof threadJob | typeof processJob =>
	typeof input === "object" && input !== null && "command" in input && !("thread" in input) ? processJob : threadJob,
);

const pathOrNone = v.union([text, v.literal(false)]);

function config<Job extends v.GenericSchema>(job: Job) {
	return fields({
		$schema: v.optional(v.string()),
		jobs: v.pipe(
			objectOnly(v.record(v.string(), job, explain)),
			v.check((jobs) => Object.keys(jobs).length > 0, "found no job, expected at least one"),
		),
		stopTimeout: v.optional(duration),
		drainDelay: v.optional(duration, "0s"),
		stopSignals: v.optional(
			v.pipe(v.array(choice(STOP_SIGNALS), explain), v.nonEmpty("found no signal, expected at least one")),
			["SIGTERM", "SIGINT"],
		),
		http: v.optional(fields({ host: v.optional(text, "127.0.0.1"), port: wholeNumber(1, 65_535) })),
		socket: v.optional(pathOrNone),
		terminationMessage: v.optional(pathOrNone),
		logLevel: v.optional(choice(LOG_LEVELS), "info"),
		logFormat: v.optional(choice(LOG_FORMATS)),
	});
}

export const configSchema = config(job);

/** The schema for editors: a JSON Schema can say "one of the two kinds of job" itself. */
export const publishedSchema = config(v.union([threadJob, processJob]));

/** A valid configuration: defaults are filled in, durations are in milliseconds. */
export type CheckedConfig = v.InferOutput<typeof configSchema>;
export type JobSettings = CheckedConfig["jobs"][string];
export type ThreadSettings = Extract<JobSettings, { thread: string }>;
export type ProcessSettings = Extract<JobSettings, { command: string[] }>;
