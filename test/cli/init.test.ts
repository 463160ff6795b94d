/** `lastcall init`: what it writes passes `check`, and runs. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromEcosystem, fromPackage, fromProcfile } from "../../src/cli/translate.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";

test("a Procfile becomes jobs: simple commands without a shell, others with one, and release comes first", () => {
	const { jobs } = fromProcfile(
		["# comment", "web: node server.js", "worker:  node w.js --port=$PORT ", "both: a && b", "release: true", ""].join(
			"\n",
		),
	);
	assert.deepEqual(jobs, {
		web: { command: ["node", "server.js"], dependsOn: ["release"] },
		worker: { command: ["sh", "-c", "exec node w.js --port=$PORT"], dependsOn: ["release"] },
		both: { command: ["sh", "-c", "a && b"], dependsOn: ["release"] },
		release: { command: ["true"], readiness: "exit" },
	});
});

test("scripts of package.json become jobs if they stay, and the others are listed", () => {
	const { jobs, left } = fromPackage({
		scripts: {
			start: "npm run start:web",
			"start:web": "NODE_ENV=production node web.js",
			prestart: "node migrate.js",
			worker: "npm run worker",
			"start:dev": "x",
			test: "x",
		},
	});
	const web = { command: ["node", "web.js"], env: { NODE_ENV: "production" }, dependsOn: ["prestart"] };
	assert.deepEqual(jobs, {
		"start-web": web,
		worker: { command: ["npm", "run", "worker"], dependsOn: ["prestart"] },
		prestart: { command: ["node", "migrate.js"], readiness: "exit" },
	});
	assert.deepEqual(
		left,
		["start:dev", "test"].map((name) => `scripts.${name}: not taken for something that a container runs`),
	);
});

test("of two forms of a script the one for production is taken, and what starts in the background, does not", () => {
	const { jobs, left } = fromPackage({
		scripts: {
			start: "nest start",
			"start:prod": "A=1 B= node main.js",
			worker: "A=$B node w.js &",
			"db:migrate": "x",
			"worker:prod": " ",
		},
	});
	assert.deepEqual(jobs, {
		"start-prod": { command: ["node", "main.js"], env: { A: "1", B: "" } },
		worker: { command: ["sh", "-c", "exec env A=$B node w.js"] },
	});
	assert.equal(left[0], "scripts.start: start:prod is taken in its place");
	assert.match(left[1] ?? "", /^scripts\.db:migrate: if it runs before the start/);
});

test("pm2's apps become jobs, and what has no place is listed with what to do instead", () => {
	const { jobs, left } = fromEcosystem({
		apps: [
			{
				name: "my web",
				script: "./server.js",
				args: "--port 80",
				node_args: "--max-old-space-size=200",
				env: { PORT: 80 },
				kill_timeout: 5000,
				wait_ready: true,
				listen_timeout: 3000,
				max_restarts: 4,
				instances: 4,
				watch: false,
				odd: 1,
			},
			{ script: "jobs.py", autorestart: false },
			{ name: "none" },
		],
	});
	assert.deepEqual(jobs, {
		"my-web": {
			command: ["node", "--max-old-space-size=200", "./server.js", "--port", "80"],
			env: { PORT: "80" },
			readiness: "notify",
			startTimeout: "3000ms",
			restart: "on-failure",
			maxRestarts: 4,
			stopSignal: "SIGINT",
			stopTimeout: "5000ms",
		},
		"app-2": { command: ["python3", "jobs.py"], stopSignal: "SIGINT" },
	});
	assert.deepEqual(left, [
		"my web.instances: use node:cluster in the app, or replicas of the container",
		"my web.odd: not translated",
		"none: found no script",
	]);
});

const SERVER = 'console.log("up"); setTimeout(() => {}, 50);';
const ECOSYSTEM = 'module.exports = { apps: [{ name: "web", script: "server.js", instances: 2 }] };';

for (const [name, files] of [
	["package.json", { "package.json": '{ "scripts": { "start": "node server.js", "build": "tsc" } }' }],
	["Procfile", { Procfile: "web: node server.js\n", "package.json": '{ "scripts": { "start": "x" } }' }],
	["ecosystem.config.cjs", { "ecosystem.config.cjs": ECOSYSTEM, Procfile: "web: x\n" }],
] as const)
	test(`lastcall init shows what it makes of ${name}, writes it with --yes, and that passes check and runs`, async () => {
		using project = makeDirectory({ "server.js": SERVER, ...files });
		const cwd = project.path;
		const target = join(cwd, "lastcall.config.json");
		const shown = await lastcall(["init"], { cwd });
		assert.equal(shown.code, 0, shown.stderr);
		assert.ok(shown.stdout.startsWith(`lastcall.config.json, from ${name}:\n`), shown.stdout);
		for (const part of ['"server.js"', "RUN lastcall check", 'ENTRYPOINT ["lastcall"]', "Nothing is written yet"])
			assert.ok(shown.stdout.includes(part), shown.stdout);
		assert.equal(shown.stdout.includes("Not translated"), name !== "Procfile");
		assert.ok(!existsSync(target));

		const written = await lastcall(["init", "--yes"], { cwd });
		assert.match(written.stdout, /^Wrote lastcall\.config\.json\.$/m);
		assert.ok(shown.stdout.includes(readFileSync(target, "utf8")), "it is what was shown");
		assert.equal((await lastcall(["check"], { cwd })).code, 0);
		const { code, stdout } = await lastcall(["run"], { cwd });
		assert.equal(code, 0, stdout);
		assert.match(stdout, /^up$/m);

		const again = await lastcall(["init", "--yes"], { cwd });
		assert.equal(again.code, 2);
		assert.match(again.stderr, /found lastcall\.config\.json, which lastcall init does not overwrite/);
	});

test("lastcall init writes nothing that does not pass check, and says when there is nothing to translate", async () => {
	for (const [files, args, message] of [
		[{}, [], /found none of ecosystem\.config\.js, .*, package\.json, expected one of them/],
		[{ "package.json": '{"scripts":{"test":"x"}}' }, [], /from package\.json: found nothing that stays/],
		[{ "package.json": "{" }, [], /^lastcall: Cannot read package\.json: /],
		[{ Procfile: "web: no-such-program" }, [], /Cannot use jobs\.web\.command: "no-such-program" not found/],
		[{ "ecosystem.config.cjs": 'throw new Error("broken")' }, [], /Cannot read ecosystem\.config\.cjs: broken/],
		[{}, ["Procfile.dev"], /Cannot read Procfile\.dev: ENOENT/],
		[{ Procfile: "web: true", "lastcall.config.yml": "" }, [], /found lastcall\.config\.yml, which/],
	] as const) {
		using project = makeDirectory(files);
		const { code, stderr } = await lastcall(["init", "--yes", ...args], { cwd: project.path });
		assert.match(stderr, message);
		assert.equal(code, 2);
		assert.ok(!existsSync(join(project.path, "lastcall.config.json")));
	}
});
