import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { Script } from "node:vm";
import { run } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { Lines } from "./helpers/lines.ts";
import { PackageProject } from "./helpers/package.ts";

const files = {
	"package.json": JSON.stringify({ name: "project", type: "module" }),
	"lastcall.config.ts": `import { type Config, defineConfig } from "lastcall";
const config: Config = { jobs: { waiting: { thread: "job.ts", data: 7, readiness: "notify" } } };
export default defineConfig(config);
`,
	"job.ts": `import type { JobContext, JobFunction } from "lastcall";
export default async function waiting({ name, data, flag, log, ready }: JobContext<number>) {
	const raised: boolean = flag.isSet;
	log.info({ raised }, "begins");
	ready();
	await flag.raised();
	console.log(\`\${name}: clean shutdown \${data}\`);
}
waiting satisfies JobFunction<number>;
`,
	"mistakes.ts": `import { defineConfig, duration, type JobContext } from "lastcall";
// @ts-expect-error A thread is named by its file.
defineConfig({ jobs: { job: { thread: 7 } } });
// @ts-expect-error A job is a function or a program.
defineConfig({ jobs: { job: { thread: "job.ts", command: ["true"] } } });
// @ts-expect-error A program has no data.
defineConfig({ jobs: { job: { command: ["true"], data: 1 } } });
defineConfig({ jobs: { job: { process: "job.ts", data: 1, stopSignal: "SIGINT" }, program: { command: ["true"], flag: true } } });
// @ts-expect-error A function runs in a thread or in a process.
defineConfig({ jobs: { job: { process: "job.ts", thread: "job.ts" } } });
// @ts-expect-error A process is a function or a program.
defineConfig({ jobs: { job: { process: "job.ts", command: ["true"] } } });
// @ts-expect-error Only a program has to ask for a flag.
defineConfig({ jobs: { job: { process: "job.ts", flag: true } } });
// @ts-expect-error A duration has no blank.
defineConfig({ jobs: {}, stopTimeout: "5 s" });
defineConfig({ jobs: {}, stopTimeout: "2.5s", drainDelay: "0s" });
// @ts-expect-error A duration has a unit.
defineConfig({ jobs: {}, stopTimeout: "5" });
defineConfig({ jobs: { job: { command: "npm start" } }, stopTimeout: "1m30s", drainDelay: duration(process.env.X ?? "1s") });
defineConfig({ jobs: { job: { command: "true", liveness: { tcp: "db:1", retries: 2 } }, it: { thread: "x", liveness: { heartbeat: "30s", explicit: true } } } });
// @ts-expect-error A heartbeat is the limit itself.
defineConfig({ jobs: { job: { command: "true", liveness: { heartbeat: "30s", interval: "1s" } } } });
// @ts-expect-error There is no such field.
defineConfig({ jobs: {}, stopTimeuot: "10s" });
// @ts-expect-error Only the init raises it.
export const raise = ({ flag }: JobContext) => flag.raise();
// @ts-expect-error A logger of pino has no such method.
export const log = ({ log }: JobContext) => log.shout("x");
`,
	"tsconfig.json": JSON.stringify({
		compilerOptions: {
			strict: true,
			target: "es2024",
			module: "nodenext",
			skipLibCheck: false,
			noEmit: true,
			types: ["node"],
			typeRoots: [join(root, "node_modules/@types")],
		},
	}),
};

/** scripts/node builds with Node.js 26. */
const MAJOR_OF_BUILD = 26;
const major = Number.parseInt(process.versions.node, 10);

let project: PackageProject;
before(
	async () => {
		project = await PackageProject.install(files);
	},
	{ timeout: 240_000 },
);
after(() => project?.[Symbol.dispose]());

test("package contains dist, the documents and what npm always adds, no sources and no tests", () => {
	const others = project.packed.filter((path) => !path.startsWith("dist/"));
	const top = [
		"CHANGELOG.md",
		"CONTRIBUTING.md",
		"LICENSE",
		"README.md",
		"SECURITY.md",
		"docker-compose.yml",
		"package.json",
	];
	assert.deepEqual(
		others.filter((path) => !/^docs\/[\w-]+\.(md|svg)$|^examples\//.test(path)),
		top,
	);
	const kinds = /\.(c?js|d\.ts|json|bytecode)$|^dist\/LICENSES$/;
	for (const path of project.packed.filter((path) => !others.includes(path))) assert.match(path, kinds);
});

test("no link of a document leads out of the package, but for the figures and pictures of the benchmarks", () => {
	const home = join(project.path, "node_modules/lastcall");
	const documents = project.packed.filter((path) => path.endsWith(".md"));
	assert.ok(documents.includes("README.md") && documents.includes("docs/jobs.md"), `${documents}`);
	const dead = documents.flatMap((document) => {
		const links = readFileSync(join(home, document), "utf8").matchAll(/\]\(([^)#\s]+)/g);
		const files = Array.from(links, ([, link = ""]) => link).filter((link) => !/^https?:/.test(link));
		return files
			.filter((link) => !existsSync(join(home, dirname(document), link)))
			.map((link) => `${document}: ${link}`);
	});
	assert.deepEqual(
		dead.filter((link) => !/: (benchmarks\/\S+|rehearsed\.json)$/.test(link)),
		[],
	);
});

test("package has bytecode that V8 takes with its text on the Node.js of the build, and refuses with another text or on another Node.js", () => {
	const dist = join(project.path, "node_modules/lastcall/dist");
	const files = globSync("**/*.bytecode", { cwd: dist });
	assert.deepEqual(
		files.sort(),
		["execa", "pino", "yaml"]
			.map((name) => `packages/${name}.bytecode`)
			.concat("program.bytecode", "subcommands.bytecode"),
	);
	for (const file of files) {
		const cachedData = readFileSync(join(dist, file));
		const text = readFileSync(join(dist, file.replace(/bytecode$/, "cjs")), "latin1");
		const isRefused = (text: string) => new Script(text, { cachedData }).cachedDataRejected;
		assert.equal(isRefused(text), major !== MAJOR_OF_BUILD, file);
		assert.equal(isRefused(`${text} `), true, file);
	}
});

test("package starts a program without its bytecode, and with one that does not fit", async () => {
	const home = join(project.path, "node_modules/lastcall");
	const args = ["-s", "--", "echo", "started"];
	using copy = makeDirectory();
	cpSync(home, join(copy.path, "node_modules/lastcall"), { recursive: true });
	const dist = join(copy.path, "node_modules/lastcall/dist");
	const start = () => run(process.execPath, [join(dist, "main.cjs"), ...args]);
	writeFileSync(join(dist, "program.bytecode"), "of another version");
	assert.equal((await start()).stdout, "started\n");
	rmSync(join(dist, "program.bytecode"));
	assert.equal((await start()).stdout, "started\n");
});

test("package runs a service without the bundle of rehearse, and says what rehearse misses", async () => {
	using copy = makeDirectory();
	const home = join(copy.path, "node_modules/lastcall");
	cpSync(join(project.path, "node_modules/lastcall"), home, { recursive: true });
	rmSync(join(home, "dist/rehearse.cjs"));
	const lastcall = (...args: string[]) => run(process.execPath, [join(home, "dist/main.cjs"), ...args]);
	assert.equal((await lastcall("run", "--", "true")).code, 0);
	const { code, stderr } = await lastcall("rehearse", "--", "true");
	assert.equal(code, 2);
	assert.match(stderr, /^lastcall: Cannot rehearse: dist\/rehearse\.cjs of lastcall is missing, /);
});

test("package has whatever its package.json names", () => {
	const home = join(project.path, "node_modules/lastcall");
	const read = readFileSync(join(home, "package.json"), "utf8");
	const { bin, exports } = JSON.parse(read);
	const named = [bin, ...Object.values(exports)].flatMap((entry) =>
		typeof entry === "string" ? [entry] : Object.values<string>(entry),
	);
	assert.ok(named.length >= 4, `found ${named.length} names`);
	for (const path of named) assert.ok(existsSync(join(home, path)), path);
});

test("npx lastcall --version says the version of package.json", async () => {
	const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const args = ["--no-install", "lastcall", "--version"];
	const { stdout, code } = await project.run("npx", args);
	assert.deepEqual([stdout, code], [`lastcall ${version}\n`, 0]);
});

test("lastcall run without its configuration says what it looked for", async () => {
	const lastcall = "node_modules/.bin/lastcall";
	const { stderr, code } = await project.run(lastcall, ["run", "none.ts"]);
	assert.match(stderr, /^lastcall: Cannot read the configuration: .*none\.ts/);
	assert.equal(code, 2);
});

test("every other subcommand is in the package, and says what it misses", async () => {
	const lines = ["check none.ts", "rehearse none.ts", "status", "stop a", "restart a", "signal a 1"];
	for (const line of lines) {
		const socket = line.endsWith(".ts") ? [] : ["--socket", "none.sock"];
		const args = [...line.split(" "), ...socket];
		const { stderr, code } = await project.run("node_modules/.bin/lastcall", args);
		assert.match(stderr, /^lastcall: Cannot .*none\.(ts|sock)/, line);
		assert.notEqual(code, 0, line);
	}
});

test("help, and the answer to a mistyped word, are in the package", async () => {
	const lastcall = "node_modules/.bin/lastcall";
	for (const [args, expected, code] of [
		[["help"], /^Usage: lastcall COMMAND/, 0],
		[["help", "status"], /^Usage: lastcall status /, 0],
		[["status", "--help"], /^Usage: lastcall status /, 0],
		[[], /^Usage: lastcall COMMAND/, 2],
		[["statsu"], /^lastcall: .*did you mean "lastcall status"\?.*\n$/, 2],
		[["nonexistent"], /^lastcall: .*found no such program; .*\n$/, 127],
	] as const) {
		const found = await project.run(lastcall, args);
		assert.match(found.stdout + found.stderr, expected);
		assert.equal(found.code, code);
	}
});

test("lastcall run stops a TypeScript job of a TypeScript configuration cleanly", async () => {
	const lastcall = spawn("node_modules/.bin/lastcall", ["run"], {
		cwd: project.path,
		env: project.env,
		stdio: ["ignore", "pipe", "pipe"],
	});
	try {
		const exited = once(lastcall, "exit");
		const lines = Lines.from(lastcall.stdout, lastcall.stderr);
		await lines.waitFor(/"event":"job.ready"/, { timeout: 30_000 });
		lastcall.kill("SIGTERM");
		await lines.waitForEnd();
		assert.deepEqual(await exited, [0, null], lines.text);
		assert.match(lines.text, /"job":"waiting".*"raised":false/);
		assert.match(lines.text, /"msg":"waiting: clean shutdown 7"/);
		assert.match(lines.text, /"event":"stop.finished"/);
	} finally {
		lastcall.kill("SIGKILL");
	}
});

for (const compiler of ["node_modules/typescript", "scripts/toolchain/older/node_modules/typescript"])
	for (const [module, resolution] of [
		["nodenext", "nodenext"],
		["esnext", "bundler"],
	] as const)
		test(`import from lastcall type-checks in a strict project, library files included: ${compiler}, ${resolution}`, async () => {
			const tsc = join(root, compiler, "bin/tsc");
			const options = ["--project", ".", "--module", module, "--moduleResolution", resolution];
			const { stdout, code } = await project.run(process.execPath, [tsc, ...options]);
			assert.deepEqual([stdout, code], ["", 0]);
		});

test("import from lastcall gives what it documents, and loads no dependency", async () => {
	const script = `import * as lastcall from "lastcall";
		const config = { jobs: {} };
		console.log(Object.keys(lastcall), lastcall.defineConfig(config) === config);`;
	const args = ["--input-type=module", "--eval", script];
	const { stdout, code } = await project.run(process.execPath, args);
	assert.deepEqual([stdout, code], ["[ 'defineConfig', 'drain', 'duration', 'onStop', 'startJobs' ] true\n", 0]);
});
