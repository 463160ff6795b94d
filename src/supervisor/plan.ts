/** Settings → plans of units: where the kinds of job are known. */
import type {
	JobSettings,
	ProcessSettings,
	Settings,
	ThreadSettings,
} from "../config/schema.ts";
import type { Job, JobHooks, JobKind } from "../job/job.ts";
import type { Readiness } from "../job/readiness.ts";
import { ThreadJob } from "../job/thread.ts";
import type { LogLevel } from "../logger.ts";
import type { RestartPolicy } from "./restart.ts";
import type { StartTerms } from "./start.ts";

const START_TIMEOUT_MS = 60_000;

export interface UnitPlan extends StartTerms {
	readonly name: string;
	readonly kind: JobKind;
	/** Makes the job of one run. */
	readonly makeJob: (hooks: RunHooks) => Job;
	/** Whether the program ends when this job does. */
	readonly essential: boolean;
	/** Names of the jobs that have to be ready before this one starts. */
	readonly dependsOn: readonly string[];
	readonly restart: RestartPolicy;
	/** Milliseconds. @default what the program's stop gives to the jobs */
	readonly stopTimeoutMs: number | undefined;
}

/** What a run tells its unit; the others of its hooks are the same for every run. */
export type RunHooks = Pick<JobHooks, "onReady" | "onLeaderGone">;

export interface PlanContext {
	readonly env: NodeJS.ProcessEnv;
	readonly logLevel: LogLevel;
	/** What jobs have to say, beside what they tell their units. */
	readonly hooksOf: (name: string) => Omit<JobHooks, keyof RunHooks>;
}

export async function planUnits(
	settings: Settings,
	context: PlanContext,
): Promise<UnitPlan[]> {
	const plans: UnitPlan[] = [];
	for (const [name, job] of Object.entries(settings.jobs)) {
		const makeJob =
			"thread" in job
				? planThread(name, job, context)
				: await planProcess(name, job, context);
		plans.push({
			name,
			kind: "thread" in job ? "thread" : "process",
			makeJob: (hooks) => makeJob({ ...hooks, ...context.hooksOf(name) }),
			essential: job.essential,
			dependsOn: job.dependsOn,
			readiness: readinessOf(job),
			startTimeoutMs:
				job.startTimeout ??
				(job.readiness === "exit"
					? Number.POSITIVE_INFINITY
					: START_TIMEOUT_MS),
			restart: {
				when: job.restart,
				delayMs: job.restartDelay,
				maxRestarts: job.maxRestarts,
			},
			stopTimeoutMs: job.stopTimeout,
		});
	}
	return plans;
}

type MakeJob = (hooks: JobHooks) => Job;

function planThread(
	name: string,
	{ thread: file, data, resourceLimits, env }: ThreadSettings,
	context: PlanContext,
): MakeJob {
	const spec = {
		name,
		file,
		data,
		env: { ...context.env, ...env },
		...(resourceLimits && { resourceLimits }),
		logLevel: context.logLevel,
	};
	return (hooks) => new ThreadJob(spec, hooks);
}

async function planProcess(
	name: string,
	job: ProcessSettings,
	context: PlanContext,
): Promise<MakeJob> {
	// node:child_process is loaded only where a job needs it.
	const { ProcessJob } = await import("../job/process.ts");
	const { command, stopSignal, successExitCodes, output } = job;
	const spec = {
		name,
		command,
		env: { ...context.env, ...job.env },
		cwd: job.cwd ?? process.cwd(),
		stopSignal,
		successExitCodes,
		output,
		notify: job.readiness === "notify",
	};
	return (hooks) => new ProcessJob(spec, hooks);
}

function readinessOf({ readiness }: JobSettings): Readiness {
	if (readiness === undefined) return { type: "started" };
	if (typeof readiness === "string") return { type: readiness };
	if ("http" in readiness) return { type: "http", url: readiness.http };
	const colon = readiness.tcp.lastIndexOf(":");
	return {
		type: "tcp",
		host: readiness.tcp.slice(0, colon).replace(/^\[|\]$/g, ""),
		port: Number(readiness.tcp.slice(colon + 1)),
	};
}
