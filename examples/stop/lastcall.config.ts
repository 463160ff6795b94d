/** A stop to look at: scripts/picture.ts draws it for README.md. */
import type { Config } from "lastcall";

export default {
	jobs: {
		mailer: { thread: "./jobs/mailer.ts", readiness: "notify" },
		web: { command: ["node", "web.ts"], cwd: ".", readiness: "notify", dependsOn: ["mailer"] },
		resize: { thread: "./jobs/resize.ts" },
	},
} satisfies Config;
