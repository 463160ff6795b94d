/** Settings → plans of units. The only file that knows the kinds of job. */
import type { JobSettings, ProcessSettings, ThreadSettings } from "../config/schema.ts";
import type { Job, JobHooks, RunHooks } from "../job/job.ts";
import type { Readiness } from "../job/readiness.ts";
import { ThreadJob } from "../job/thread.ts";
import type { UnitPlan } from "../supervisor/unit.ts";
import type { Settings } from "./settings.ts";

const START_TIMEOUT_MS = 60_000;

/** @param hooksOf What the runs of a job tell, beside what they tell their unit. */
export async function planUnits(
	settings: Settings,
	hooksOf: (name: string) => Omit<JobHooks, keyof RunHooks>,
): Promise<UnitPlan[]> {
	const plans: UnitPlan[] = [];
	for (const [name, job] of Object.entries(settings.jobs)) {
		const makeJob = "thread" in job ? planThread(name, job, settings) : await planProcess(name, job, settings);
		const startTimeoutMs = job.readiness === "exit" ? Number.POSITIVE_INFINITY : START_TIMEOUT_MS;
		plans.push({
			name,
			kind: "thread" in job ? "thread" : "process",
			makeJob: (hooks) => makeJob({ ...hooks, ...hooksOf(name) }),
			essential: job.essential,
			dependsOn: job.dependsOn,
			readiness: readinessOf(job),
			startTimeoutMs: job.startTimeout ?? startTimeoutMs,
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
	settings: Settings,
): MakeJob {
	const spec = {
		name,
		file,
		data,
		env: { ...settings.env, ...env },
		...(resourceLimits && { resourceLimits }),
		logLevel: settings.log.level,
	};
	return (hooks) => new ThreadJob(spec, hooks);
}

async function planProcess(name: string, job: ProcessSettings, settings: Settings): Promise<MakeJob> {
	// node:child_process is loaded only where a job needs it.
	const { ProcessJob } = await import("../job/process.ts");
	const { command, stopSignal, successExitCodes, output } = job;
	const spec = {
		name,
		command,
		env: { ...settings.env, ...job.env },
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
