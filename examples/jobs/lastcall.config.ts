import type { Config } from "lastcall";

export default {
	jobs: {
		counter: { thread: "./jobs/counter.ts", data: { step: 1 }, readiness: "notify" },
		heartbeat: { thread: "./jobs/heartbeat.ts", readiness: "notify" },
	},
} satisfies Config;
