export {
	type Config,
	type Duration,
	defineConfig,
	type JobConfig,
} from "./config/config.ts";
export { type DrainOptions, drain } from "./inprocess/drain.ts";
export { type OnStopOptions, onStop } from "./inprocess/on-stop.ts";
export { startJobs } from "./inprocess/start-jobs.ts";
export type { AppStopReason, StopContext } from "./inprocess/stop-handler.ts";
export type { JobContext, JobFunction } from "./job/context.ts";
export type { Flag } from "./job/flag.ts";
