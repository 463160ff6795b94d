/** The shape of a configuration. What a shape cannot say (that a file is there, that names fit) is in checks.ts. */
import { constants } from "node:os";
import { LOG_LEVELS } from "../logger.ts";
import {
	choice,
	cloneable,
	duration,
	explain,
	fields,
	text,
	v,
	wholeNumber,
} from "./fields.ts";
import { LOG_FORMATS } from "./log-settings.ts";

const SIGNALS = Object.keys(constants.signals) as NodeJS.Signals[];

const readiness = v.union(
	[
		v.picklist(["notify", "exit"]),
		fields({
			http: v.pipe(
				text,
				v.regex(
					/^https?:\/\/[^/]/,
					'found no URL, expected one such as "http://127.0.0.1:8080/"',
				),
			),
		}),
		fields({
			tcp: v.pipe(
				text,
				v.regex(
					/^(\[[^\]]+\]|[^:]+):\d{1,5}$/,
					'found no address, expected one such as "127.0.0.1:5432"',
				),
			),
		}),
	],
	({ received }) =>
		`found ${received}, expected "notify", "exit", {http: URL} or {tcp: "HOST:PORT"}`,
);

const common = {
	env: v.optional(v.record(v.string(), v.string(explain), explain), {}),
	dependsOn: v.optional(v.array(text, explain), []),
	readiness: v.optional(readiness),
	startTimeout: v.optional(duration),
	restart: v.optional(choice(["no", "on-failure", "always"]), "no"),
	restartDelay: v.optional(duration, "1s"),
	maxRestarts: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
	stopTimeout: v.optional(duration),
	essential: v.optional(v.boolean(explain), true),
};

const megabytes = v.optional(
	v.pipe(v.number(explain), v.minValue(1, "expected at least 1")),
);

const threadOnly = {
	data: v.optional(cloneable),
	resourceLimits: v.optional(
		fields({
			maxOldGenerationSizeMb: megabytes,
			maxYoungGenerationSizeMb: megabytes,
			codeRangeSizeMb: megabytes,
			stackSizeMb: megabytes,
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
			v.array(text, explain),
			v.nonEmpty("is empty, expected a program and its arguments"),
		),
		...processOnly,
		...common,
	},
	sayOfAll(threadOnly, "only a job with a thread has this field"),
);

/** Which of the two a job is meant to be, so that its mistakes are told as those of that kind. */
const job = v.lazy((input): typeof threadJob | typeof processJob =>
	typeof input === "object" &&
	input !== null &&
	"command" in input &&
	!("thread" in input)
		? processJob
		: threadJob,
);

function config<Job extends v.GenericSchema>(job: Job) {
	const jobs = v.record(v.string(), job, explain);
	return fields({
		$schema: v.optional(v.string()),
		jobs: v.pipe(
			jobs,
			v.check(
				(jobs) => Object.keys(jobs).length > 0,
				"found no job, expected at least one",
			),
		),
		stopTimeout: v.optional(duration),
		drainDelay: v.optional(duration, "0s"),
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

function sayOfAll(
	entries: Readonly<Record<string, unknown>>,
	message: string,
): Record<string, string> {
	return Object.fromEntries(
		Object.keys(entries).map((name) => [name, message]),
	);
}

export const configSchema = config(job);

/** The same for editors: a JSON Schema says "one of the two" by itself. */
export const publishedSchema = config(v.union([threadJob, processJob]));

/** A configuration of the right shape: defaults filled in, durations in milliseconds. */
export type Settings = v.InferOutput<typeof configSchema>;
export type JobSettings = Settings["jobs"][string];
export type ThreadSettings = Extract<JobSettings, { thread: string }>;
export type ProcessSettings = Extract<JobSettings, { command: string[] }>;
