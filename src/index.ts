/** The public API: re-exports only. */
export { type Config, type Duration, defineConfig, duration, type JobConfig } from "./config/config.ts";
export { type DrainOptions, drain } from "./inprocess/drain.ts";
export { type OnStopOptions, onStop } from "./inprocess/on-stop.ts";
export { startJobs } from "./inprocess/start-jobs.ts";
export type { AppStopReason, StopContext } from "./inprocess/stop-sequence.ts";
export type { Flag, JobContext, JobFunction } from "./job/context.ts";
