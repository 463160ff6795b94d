import type { Config } from "lastcall";

export default {
	jobs: { counter: { thread: "./jobs/counter.ts", data: { step: 1 } }, heartbeat: { thread: "./jobs/heartbeat.ts" } },
} satisfies Config;
