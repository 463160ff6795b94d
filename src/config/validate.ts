/** Checks a configuration whole, before anything is started, and says all mistakes at once. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { explainBadDuration, parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { LOG_LEVELS } from "../logger.ts";
import type { LoadedConfig } from "./load.ts";
import { LOG_FORMATS } from "./log-settings.ts";

const duration = v.pipe(
	v.unknown(),
	v.rawTransform<unknown, number>(({ dataset, addIssue, NEVER }) => {
		const { value } = dataset;
		const ms = typeof value === "string" ? parseDuration(value) : undefined;
		if (ms !== undefined) return ms;
		addIssue({
			message: `${explainBadDuration(value)}, expected a duration such as "10s"`,
		});
		return NEVER;
	}),
);

const cloneable = v.pipe(
	v.unknown(),
	v.rawCheck(({ dataset, addIssue }) => {
		try {
			structuredClone(dataset.value);
		} catch (error) {
			addIssue({
				message: `${(error as Error).message}, expected plain data (a thread gets a copy)`,
			});
		}
	}),
);

const megabytes = v.optional(v.pipe(v.number(), v.minValue(1)));

const job = v.strictObject({
	thread: v.pipe(v.string(), v.nonEmpty()),
	data: v.optional(cloneable),
	env: v.optional(v.record(v.string(), v.string()), {}),
	stopTimeout: v.optional(duration),
	essential: v.optional(v.boolean(), true),
	resourceLimits: v.optional(
		v.strictObject({
			maxOldGenerationSizeMb: megabytes,
			maxYoungGenerationSizeMb: megabytes,
			codeRangeSizeMb: megabytes,
			stackSizeMb: megabytes,
		}),
	),
});

const schema = v.strictObject({
	jobs: v.pipe(
		v.record(v.string(), job),
		v.check(
			(jobs) => Object.keys(jobs).length > 0,
			"found no job, expected at least one",
		),
	),
	stopTimeout: v.optional(duration),
	logLevel: v.optional(v.picklist(LOG_LEVELS), "info"),
	logFormat: v.optional(v.picklist(LOG_FORMATS)),
});

/** A checked configuration: defaults filled in, durations in milliseconds, paths absolute. */
export type Settings = v.InferOutput<typeof schema>;
export type JobSettings = Settings["jobs"][string];

/** @throws {UserError} that names every mistake by its path. */
export function validateConfig({ path, value }: LoadedConfig): Settings {
	const result = v.safeParse(schema, value);
	if (!result.success) {
		throw mistakes(
			path,
			result.issues.map(
				(issue) => `${v.getDotPath(issue) ?? "the value"}: ${explain(issue)}`,
			),
		);
	}
	const settings = result.output;
	const missing: string[] = [];
	for (const [name, job] of Object.entries(settings.jobs)) {
		const file = resolve(dirname(path), job.thread);
		if (!existsSync(file))
			missing.push(
				`jobs.${name}.thread: ${JSON.stringify(job.thread)} not found (looked at ${file})`,
			);
		job.thread = file;
	}
	if (missing.length > 0) throw mistakes(path, missing);
	return settings;
}

function explain(issue: v.BaseIssue<unknown>): string {
	// Our own messages say it all.
	if (issue.type === "raw_transform" || issue.type === "raw_check")
		return issue.message;
	if (issue.type === "check") return issue.message;
	if (issue.type === "strict_object" && issue.expected === "never")
		return "no such field";
	if (issue.received === "undefined")
		return `missing, expected ${issue.expected}`;
	return `found ${issue.received}, expected ${issue.expected}`;
}

function mistakes(path: string, lines: readonly string[]): UserError {
	const list = lines.map((line) => `  Cannot use ${line}`).join("\n");
	return new UserError(`Cannot use the configuration ${path}:\n${list}`);
}
