/** Turns the settings of jobs into plans for the supervisor. Only this file knows all kinds of job. */
import type { JobSettings, ProcessSettings, ThreadSettings } from "../config/schema.ts";
import type { Job, JobHooks, RunHooks } from "../job/job.ts";
import type { Readiness } from "../job/readiness.ts";
import { ThreadJob } from "../job/thread.ts";
import type { UnitPlan } from "../supervisor/unit.ts";
import type { Settings } from "./settings.ts";

const START_TIMEOUT_MS = 60_000;

type MakeJob = (hooks: JobHooks) => Job;

/** @param hooksOf Returns those hooks of a job that do not come from the supervisor. */
export async function planUnits(
	settings: Settings,
	hooksOf: (name: string) => Omit<JobHooks, keyof RunHooks>,
): Promise<UnitPlan[]> {
	const plans: UnitPlan[] = [];
	for (const [name, job] of Object.entries(settings.jobs)) {
		const isThread = "thread" in job;
		const makeJob = isThread ? planThread(name, job, settings) : await planProcess(name, job, settings);
		plans.push({
			name,
			kind: isThread ? "thread" : "process",
			makeJob: (hooks) => makeJob({ ...hooks, ...hooksOf(name) }),
			essential: job.essential,
			dependsOn: job.dependsOn,
			readiness: readinessOf(job),
			startTimeoutMs: job.startTimeout ?? (job.readiness === "exit" ? Number.POSITIVE_INFINITY : START_TIMEOUT_MS),
			restart: { when: job.restart, delayMs: job.restartDelay, maxRestarts: job.maxRestarts },
			stopTimeoutMs: job.stopTimeout,
		});
	}
	return plans;
}

function planThread(name: string, job: ThreadSettings, settings: Settings): MakeJob {
	const { thread: file, data, resourceLimits } = job;
	const env = { ...settings.env, ...job.env };
	const spec = { name, file, data, env, ...(resourceLimits && { resourceLimits }), logLevel: settings.log.level };
	return (hooks) => new ThreadJob(spec, hooks);
}

async function planProcess(name: string, job: ProcessSettings, settings: Settings): Promise<MakeJob> {
	// node:child_process is loaded only if there is a process job.
	const { ProcessJob } = await import("../job/process.ts");
	const { command, cwd = process.cwd(), stopSignal, successExitCodes, output } = job;
	const env = { ...settings.env, ...job.env };
	const notify = job.readiness === "notify";
	const spec = { name, command, env, cwd, stopSignal, successExitCodes, output, notify };
	return (hooks) => new ProcessJob(spec, hooks);
}

function readinessOf({ readiness }: JobSettings): Readiness {
	if (readiness === undefined) return { type: "started" };
	if (typeof readiness === "string") return { type: readiness };
	if ("http" in readiness) return { type: "http", url: readiness.http };
	const colon = readiness.tcp.lastIndexOf(":");
	// An IPv6 address stands in brackets.
	const host = readiness.tcp.slice(0, colon).replace(/^\[|\]$/g, "");
	return { type: "tcp", host, port: Number(readiness.tcp.slice(colon + 1)) };
}
