import type { Config } from "lastcall";

const thread = { thread: "./thread.ts", readiness: "notify" } as const;

export default {
	jobs: {
		"thread-1": thread,
		"thread-2": thread,
		"process-1": { command: ["node", "process.ts", "process-1"], readiness: "notify" },
		"process-2": { command: ["node", "process.ts", "process-2"], readiness: "notify" },
	},
} satisfies Config;
