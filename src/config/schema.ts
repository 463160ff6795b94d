/** The schema of a configuration. Its messages say what was found, what was expected, and what may be meant. */
import { serialize } from "node:v8";
import * as v from "valibot";
import { show } from "../base/errors.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../base/logger.ts";
import { parseDuration } from "../base/time.ts";
import { splitCommand } from "../os/spawn/execa.ts";
import { explainBadCron, explainBadTimeZone, isTimeZone } from "./cron.ts";
import { isVariable, MAX_ARGUMENT_BYTES } from "./environment.ts";
import { expecting, explain, explainDuration, foundIn, isObject } from "./explain.ts";
import { SIGNALS, STOP_SIGNALS } from "./signals.ts";
import { suggest } from "./suggest.ts";

/** Keys that valibot leaves out of a record without an issue. */
export const OMITTED: readonly string[] = ["__proto__", "constructor", "prototype"];

/** A duration; its output is in milliseconds. */
const duration = v.pipe(
	v.string(explainDuration),
	v.regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, explainDuration),
	v.check((text) => parseDuration(text) !== undefined, explainDuration),
	v.transform((text) => parseDuration(text) ?? 0),
);

/** A value that can be copied to a job. */
const copiedBy = (copy: (value: unknown) => unknown) =>
	v.pipe(
		v.unknown(),
		v.rawCheck(({ dataset, addIssue }) => {
			try {
				copy(dataset.value);
			} catch (error) {
				const [line] = (error as Error).message.split("\n");
				addIssue({ message: `${line}, expected plain data (the job gets a copy)` });
			}
		}),
	);

/** Text for the kernel, where a NUL ends a string. */
const systemText = v.pipe(
	v.string(explain),
	v.check((text) => !text.includes("\0"), "has a NUL character, expected text without one"),
);

const text = v.pipe(systemText, v.nonEmpty("is empty, expected some text"));

/** An argument of a program, or the value of an environment variable. It may be empty. */
const argument = v.pipe(
	systemText,
	v.maxBytes(
		MAX_ARGUMENT_BYTES,
		({ received }) => `found ${received} bytes, expected at most ${MAX_ARGUMENT_BYTES} (a limit of the kernel)`,
	),
);

/** A text or an object. The messages are about the kind that was found; `message` is about all else. */
function textOr<ObjectSchema extends v.GenericSchema, TextSchema extends v.GenericSchema>(
	object: ObjectSchema,
	text: TextSchema,
	message: (issue: v.BaseIssue<unknown>) => string,
) {
	const union = v.union([text, object], message);
	const run = union["~run"];
	return Object.assign(union, {
		"~run"(...[dataset, config]: Parameters<typeof run>) {
			if (isObject(dataset.value)) return object["~run"](dataset, config) as ReturnType<typeof run>;
			if (typeof dataset.value === "string") return text["~run"](dataset, config) as ReturnType<typeof run>;
			return run.call(union, dataset, config);
		},
	});
}

function number(min: number, max: number) {
	const [least, most] = [`at least ${min}`, `at most ${max}`].map(expecting);
	return v.pipe(v.number(explain), v.minValue(min, least), v.maxValue(max, most));
}

function wholeNumber(min: number, max: number) {
	return v.pipe(number(min, max), v.integer(expecting("a whole number")));
}

function choice<const Choices extends readonly string[]>(choices: Choices) {
	return v.picklist(choices, ({ input }) => {
		const suggestion = typeof input === "string" ? suggest(input, choices) : "";
		return `found ${show(input)}, expected one of ${choices.join(", ")}${suggestion}`;
	});
}

/** An object with these fields and no others. `remarks`: messages for fields that are missing, or belong elsewhere. */
function fields<const Entries extends v.ObjectEntries>(entries: Entries, remarks: Record<string, string> = {}) {
	const remarkOn = (name: string) => (Object.hasOwn(remarks, name) ? remarks[name] : undefined);
	const schema = v.strictObject(entries, (issue) => {
		if (issue.expected === "Object") return explain(issue);
		if (issue.expected !== "never") return remarkOn(issue.expected?.replaceAll('"', "") ?? "") ?? "missing";
		const name = String(issue.input);
		return remarkOn(name) ?? `no such field${suggest(name, Object.keys(entries))}`;
	});
	// valibot reports only the first unknown field.
	return objectOnly(schema, (keys) => keys.filter((key) => !(key in entries)).slice(1));
}

/**
 * Makes a schema refuse arrays, which valibot takes for objects: `env: ["A=B"]` would be the variable 0. And the keys
 * that `choose` selects, with the message of `explainKey`, or else the schema's message for an unknown field.
 */
function objectOnly<Schema extends v.GenericSchema>(
	schema: Schema,
	choose: (keys: string[]) => string[] = () => [],
	explainKey?: (key: string) => string,
): Schema {
	const run = schema["~run"];
	return Object.assign(schema, {
		"~run"(...[dataset, config]: Parameters<typeof run>) {
			const input = dataset.value;
			if (Array.isArray(input)) {
				v._addIssue({ ...schema, expects: "Object", message: explain }, "type", dataset, config);
				return dataset;
			}
			const result = run.call(schema, dataset, config);
			if (!isObject(input)) return result;
			for (const key of choose(Object.keys(input))) {
				const path = [{ type: "object", origin: "key", input, key, value: input[key] }];
				const issue = { input: key, expected: "never", path, message: explainKey?.(key) };
				v._addIssue(schema as never, "key", result, config, issue as never);
			}
			return result;
		},
	});
}

const environment = v.pipe(
	objectOnly(
		v.record(
			v.string(),
			textOr(fields({ file: text }), argument, (issue) => explain({ ...issue, expected: "string" })),
			explain,
		),
		(keys) => keys.filter((key) => OMITTED.includes(key)),
		(key) => `found the name ${show(key)}, which is JavaScript's own, expected another name`,
	),
	v.rawCheck(({ dataset, addIssue }) => {
		if (!dataset.typed) return;
		for (const name of Object.keys(dataset.value))
			if (!isVariable(name))
				addIssue({ message: `found the name ${show(name)}, expected one without "=" and NUL, and not empty` });
	}),
);

/** Shorter ones would find a job hung that only got no turn on a busy processor. */
const PERIOD_MIN_MS = 100;
const period = v.pipe(duration, v.minValue(PERIOD_MIN_MS, `found less than "100ms", expected at least that`));

const LIVENESS_KINDS = ["http", "tcp", "command", "heartbeat"] as const;

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

const CRON = 'expected a cron expression such as "0 3 * * *"';

const readiness = v.union(
	[v.picklist(["notify", "exit"]), fields({ http: url }), fields({ tcp: address })],
	(issue) => `found ${foundIn(issue)}, expected "notify", "exit", {http: URL} or {tcp: "HOST:PORT"}`,
);

const command = v.pipe(
	v.array(argument, explain),
	v.nonEmpty("is empty, expected a program and its arguments"),
	v.check(([program]) => program !== "", "begins with an empty text, expected a program"),
);

/** Text is split at its blanks by execa, which is loaded only then. Compose would remove quotes; nothing does here. */
const commandText = v.pipe(
	text,
	v.check(
		(words) => !/["']/.test(words),
		'has quotes, which nothing removes here, expected a list: ["sh", "-c", "exec …"]',
	),
	v.transform(splitCommand),
	command,
);

/** Chooses the kind of command first, so that the messages are about that kind. */
const anyCommand = v.lazy((input): typeof command | typeof commandText =>
	typeof input === "string" ? commandText : command,
);

/** One object and not a union of four, so that each field has messages of its own. */
const livenessOf = <Command extends v.GenericSchema>(command: Command) =>
	v.pipe(
		fields({
			http: v.optional(url),
			tcp: v.optional(address),
			command: v.optional(command),
			interval: v.optional(period),
			timeout: v.optional(period),
			retries: v.optional(wholeNumber(1, 1_000)),
			heartbeat: v.optional(period),
			explicit: v.optional(v.boolean(explain)),
			onStuck: v.optional(choice(["exit"])),
		}),
		v.check(
			(liveness) => LIVENESS_KINDS.filter((kind) => liveness[kind] !== undefined).length === 1,
			`expected one of ${LIVENESS_KINDS.join(", ")}`,
		),
		v.check(
			({ heartbeat, interval, timeout, retries }) => !heartbeat || (interval ?? timeout ?? retries) === undefined,
			"found interval, timeout or retries beside heartbeat, expected heartbeat alone: it is the limit itself",
		),
		v.check(({ heartbeat, explicit }) => !!heartbeat || explicit === undefined, "found explicit without heartbeat"),
	);

const ENV_FILE = "expected a path, or {path: PATH, required: false}, or a list of them";

const envFile = textOr(
	fields({ path: text, required: v.optional(v.boolean(explain), true) }),
	v.pipe(
		text,
		v.transform((path) => ({ path, required: true })),
	),
	(issue) => `found ${foundIn(issue)}, ${ENV_FILE}`,
);

const schedule = textOr(
	fields({ every: v.pipe(duration, v.minValue(1_000, `found less than "1s", expected at least that`)) }),
	v.pipe(
		text,
		v.check(
			(text) => explainBadCron(text) === undefined,
			({ input }) => `${show(input)} ${explainBadCron(input)}, ${CRON}`,
		),
	),
	(issue) => `found ${foundIn(issue)}, ${CRON}, or an interval such as {every: "5m"}`,
);

const output = v.optional(choice(["inherit", "log"]));

const commonOf = <Command extends v.GenericSchema>(command: Command) => ({
	output,
	env: v.optional(environment, {}),
	envFile: v.optional(
		v.union(
			[
				v.array(envFile, explain),
				v.pipe(
					envFile,
					v.transform((file) => [file]),
				),
			],
			(issue) => `found ${foundIn(issue)}, ${ENV_FILE}`,
		),
		[],
	),
	schedule: v.optional(schedule),
	timeZone: v.optional(v.pipe(text, v.check(isTimeZone, explainBadTimeZone))),
	overlap: v.optional(choice(["skip", "wait"])),
	dependsOn: v.optional(v.array(text, explain), []),
	readiness: v.optional(readiness),
	startTimeout: v.optional(duration),
	restart: v.optional(choice(["no", "on-failure", "always"]), "no"),
	restartDelay: v.optional(duration, "1s"),
	maxRestarts: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
	stopTimeout: v.optional(duration),
	essential: v.optional(v.boolean(explain)),
	liveness: v.optional(livenessOf(command)),
});

// Outside these limits V8 aborts the whole process, or the kernel has no memory for the thread.
const heapLimits = {
	// The heap of an empty thread takes 9 MB.
	maxOldGenerationSizeMb: v.optional(number(10, 1_048_576)),
	maxYoungGenerationSizeMb: v.optional(number(1, 1_048_576)),
};

const threadLimits = { codeRangeSizeMb: v.optional(number(1, 2_048)), stackSizeMb: v.optional(number(1, 1_024)) };

const threadOnly = {
	data: v.optional(copiedBy(structuredClone)),
	resourceLimits: v.optional(fields({ ...heapLimits, ...threadLimits })),
};

const processOnly = {
	cwd: v.optional(text),
	stopSignal: v.optional(choice(SIGNALS), "SIGTERM"),
	successExitCodes: v.optional(v.array(wholeNumber(0, 255), explain), []),
};

const KINDS = '"thread" (a file), "process" (a file) or "command" (a program)';

const threadJobOf = <Command extends v.GenericSchema>(command: Command) =>
	fields(
		{ thread: text, ...threadOnly, ...commonOf(command) },
		{
			thread: `missing, expected ${KINDS}`,
			process: 'found both "thread" and "process", expected one of them',
			command: 'found both "thread" and "command", expected one of them',
			flag: "only a job with a command has this field; a thread has its flag",
			...remarkOnEach(processOnly, "only a process has this field"),
		},
	);

/** A function in a process of its own. */
const functionJobOf = <Command extends v.GenericSchema>(command: Command) =>
	fields(
		{
			process: text,
			// What only threads can share is no data for a process.
			data: v.optional(copiedBy((value) => serialize(structuredClone(value)))),
			resourceLimits: v.optional(fields(heapLimits, remarkOnEach(threadLimits, "only a thread has this limit"))),
			...processOnly,
			...commonOf(command),
		},
		{
			command: 'found both "process" and "command", expected one of them',
			flag: "only a job with a command has this field; the process has its flag",
		},
	);

const processJobOf = <Command extends v.GenericSchema>(command: Command) =>
	fields(
		{ command, flag: v.optional(v.boolean(explain)), ...processOnly, ...commonOf(command) },
		remarkOnEach(threadOnly, "only a job that is a function has this field"),
	);

const threadJob = threadJobOf(anyCommand);
const functionJob = functionJobOf(anyCommand);
const processJob = processJobOf(anyCommand);

function remarkOnEach(entries: object, remark: string): Record<string, string> {
	return Object.fromEntries(Object.keys(entries).map((name) => [name, remark]));
}

/** Chooses the kind of a job first, so that the messages are about that kind. */
const job = v.lazy((input): typeof threadJob | typeof functionJob | typeof processJob => {
	if (!isObject(input) || "thread" in input) return threadJob;
	if ("process" in input) return functionJob;
	return "command" in input ? processJob : threadJob;
});

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
		output,
		logLevel: v.optional(choice(LOG_LEVELS), "info"),
		logFormat: v.optional(choice(LOG_FORMATS)),
	});
}

const schema = config(job);

/** The schema for editors: a JSON Schema can say "one of the kinds of job" itself. */
const publishedCommand = v.union([command, commandText]);
export const publishedSchema = config(
	v.union([threadJobOf(publishedCommand), functionJobOf(publishedCommand), processJobOf(publishedCommand)]),
);

export function parseConfig(value: unknown) {
	return v.safeParse(schema, value);
}

type Parsed = v.InferOutput<typeof schema>;

/** A valid configuration: defaults are filled in, durations are in milliseconds. */
export type CheckedConfig = Omit<Parsed, "jobs"> & Readonly<{ jobs: Record<string, Parsed["jobs"][string] & Filled> }>;
/** `variables`: what `env` and `envFile` come to. They may be secret, and are shown nowhere. */
type Filled = { essential: boolean; overlap: "skip" | "wait"; variables: Record<string, string> };
export type JobSettings = CheckedConfig["jobs"][string];
export type ThreadSettings = Extract<JobSettings, { thread: string }>;
export type FunctionSettings = Extract<JobSettings, { process: string }>;
export type ProcessSettings = Extract<JobSettings, { command: string[] }>;
