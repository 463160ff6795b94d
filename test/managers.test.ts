/** The package as pnpm and yarn install it: their layouts of node_modules, and what they put into node_modules/.bin. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { suite, test } from "node:test";
import { must } from "../scripts/lib/command.ts";
import { managerScript } from "../scripts/lib/toolchain.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { namespace, startNode } from "./helpers/lastcall.ts";
import { packPackage } from "./helpers/package.ts";

/** How each adds a tarball, and the files that it needs for that. */
const MANAGERS = [
	// Else it fails: koffi has an install script, without which koffi works as well.
	["pnpm", "pnpm", ["add"], { "pnpm-workspace.yaml": "allowBuilds: {koffi: false}\n" }],
	// Its own cache would give an earlier tarball of the same name and version.
	["yarn 1", "yarn", ["add", "--ignore-scripts", "--no-progress", "--cache-folder", ".cache"], {}],
	["yarn 4", "@yarnpkg/cli-dist", ["add"], { ".yarnrc.yml": "nodeLinker: node-modules\n", "yarn.lock": "" }],
] as const;

/** For the options of a test that runs one: says why it is left out. In CI it never is. */
const skip =
	process.env.CI !== "true" &&
	!existsSync(managerScript("pnpm")) &&
	"not installed: pnpm and yarn (LASTCALL_ENGINE=install npm test installs them)";

const files = {
	"package.json": JSON.stringify({ name: "project", version: "1.0.0", type: "module" }),
	"lastcall.config.ts": `import { defineConfig } from "lastcall";
export default defineConfig({ jobs: { waiting: { thread: "job.ts", readiness: "notify" }, program: { command: ["sleep", "1000"], successExitCodes: [143] } } });
`,
	"job.ts": `import type { JobContext } from "lastcall";
export default async function waiting({ flag, ready }: JobContext) {
	ready();
	await flag.raised();
	console.log("waiting: clean shutdown");
}
`,
};

const env = {
	PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
	YARN_ENABLE_TELEMETRY: "0",
	// In CI yarn would refuse to write its lock file.
	YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
};

for (const [name, script, add, more] of MANAGERS)
	suite(`installed by ${name}`, { skip }, () => {
		test("lastcall checks, runs as PID 1 and stops, and lastcall/register is found", async () => {
			using project = makeDirectory({ ...files, ...more });
			const { path: cwd } = project;
			const { file } = await packPackage(cwd);
			const tarball = `lastcall@file:./${file}`;
			await must(process.execPath, [managerScript(script), ...add, tarball], { cwd, env, timeout: 120_000 });
			const lastcall = join(cwd, "node_modules/.bin/lastcall");
			assert.match(await must(lastcall, ["check"], { cwd, env }), /^.*lastcall\.config\.ts is fine$/m);

			const config = join(cwd, "lastcall.config.ts");
			await using running = await startNode(["run", config], {
				node: [lastcall],
				env: { ...env, LASTCALL_SOCKET: "" },
			});
			await running.waitFor("job.ready", "waiting");
			await running.waitFor("job.started", "program");
			running.kill("SIGTERM");
			assert.equal((await running.exit()).code, 0, running.lines.text);
			assert.match(running.lines.text, /"msg":"waiting: clean shutdown"/);
			const { role, binding } = running.event("init.started");
			assert.equal(role, "init", "nothing stands between the kernel and Node.js");
			assert.ok(binding, "a foreign function interface is found");

			const app = [
				"--import",
				"lastcall/register",
				"--eval",
				"process.kill(1, 'SIGTERM'); setInterval(() => {}, 1000)",
			];
			const [command = "", ...flags] = namespace();
			const ended = must(command, [...flags, process.execPath, ...app], { cwd, env });
			await assert.rejects(ended, /expected exit code 0, found 143/);
		});
	});
