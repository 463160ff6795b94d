/** `lastcall rehearse --image`, with images that have lastcall inside and images that have not. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { must, run } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import type { Report } from "../../src/rehearse/report.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { client, mustDocker } from "../helpers/docker.ts";
import { exampleImage, fixtureImage, imageTag } from "../helpers/images.ts";
import { Lines } from "../helpers/lines.ts";
import { MAIN } from "../helpers/main.ts";
import { freePort } from "../helpers/ports.ts";
import { until } from "../helpers/until.ts";

const NODE = "node:26-bookworm-slim";
/** The signal comes when the program has long started: after 0.6 and 2.1 s. */
const LATER = ["--runs", "2", "--within", "3s", "--seed", "19"];

/** The `docker` that the tests have may have another name. */
function environment(): NodeJS.ProcessEnv {
	const folder = isAbsolute(client) ? dirname(client) : undefined;
	return { PATH: [...(folder ? [folder] : []), process.env.PATH].join(delimiter) };
}

async function rehearse(args: readonly string[]) {
	const { code, stdout, stderr } = await lastcall(["rehearse", "--json", ...args], {
		env: environment(),
		timeout: 120_000,
	});
	assert.ok(stdout.startsWith("{"), stderr);
	return { code, report: JSON.parse(stdout) as Report };
}

function realClient(): Promise<string> {
	return must("sh", ["-c", `command -v ${client}`]);
}

function containersOf(mark: string): Promise<string> {
	return mustDocker(["ps", "--all", "--quiet", "--filter", `label=rehearsed=${mark}`]);
}

suite("lastcall rehearse --image", () => {
	test("an image with lastcall inside holds its stop timeout, by the engine's own clock, and leaves no container", async () => {
		const mark = randomUUID();
		const image = await exampleImage();
		const { code, report } = await rehearse([...LATER, "--image", image, "--", "--label", `rehearsed=${mark}`]);
		assert.equal(code, 0, JSON.stringify(report));
		assert.equal(report.kind, "container");
		assert.deepEqual(report.exitCodes, { 0: 2 });
		assert.match(report.runs[0]?.init ?? "", /lastcall/);
		assert.equal(report.runs[0]?.listens, true);
		assert.match(report.runs[0]?.output.lastLine ?? "", /Exiting main program with code 0/);
		assert.equal(await containersOf(mark), "");
	});

	test("a job that is late is named with its place, from lastcall's own record", async () => {
		const flags = ["--stop-timeout", "20s", "--runs", "1", "--within", "3s", "--seed", "19"];
		const args = ["--", "-e", "LASTCALL_STOP_TIMEOUT=2s", "--", "run", "configs/busy.json"];
		const { code, report } = await rehearse([...flags, "--image", await fixtureImage(), ...args]);
		assert.equal(code, 0);
		assert.equal(report.runs[0]?.exitCode, 124);
		assert.match(report.verdicts[0]?.finding ?? "", /in time by force only: .* job busy was in /);
	});

	test("an image without an init: the shell is named at which the signal stops, and the time of docker run counts", async () => {
		const options = ["--", "--stop-timeout", "1", "--", "sh", "-c", "node -e 'setInterval(() => {}, 1000)'; true"];
		const { code, report } = await rehearse(["--runs", "1", "--seed", "1", "--image", NODE, ...options]);
		assert.equal(code, 1);
		assert.deepEqual(report.stopTimeout, { ms: 1_000, source: "docker run --stop-timeout" });
		assert.equal(report.runs[0]?.exitCode, 137);
		const [worst] = report.verdicts;
		assert.match(worst?.finding ?? "", /^1 of 1 stops did nothing until SIGKILL: PID 1 is `sh -c /);
		assert.match(worst?.remedy ?? "", /^the signal stops at sh: make `node -e/);
	});

	test("an engine whose processes are not here is asked for them", async () => {
		// A client that says of each container that it is process 2, which is nobody's PID 1 here.
		using folder = makeDirectory();
		const wrapper = join(folder.path, "docker");
		const real = await realClient();
		writeFileSync(
			wrapper,
			`#!/bin/sh\ncase "$*" in *State.Pid*) '${real}' "$@" | sed 's/^[1-9][0-9]*/2/';; *) exec '${real}' "$@";; esac\n`,
		);
		chmodSync(wrapper, 0o755);
		const env = { PATH: `${folder.path}${delimiter}${environment().PATH}` };
		const script = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
		const args = ["rehearse", "--json", "--runs", "1", "--seed", "1", "--image", NODE, "--", "--", "sh", "-c", script];
		const { stdout, stderr } = await lastcall(args, { env });
		assert.ok(stdout.startsWith("{"), stderr);
		const report = JSON.parse(stdout) as Report;
		assert.match(report.limits[0] ?? "", /^zombies, and the processes during the stop/);
		assert.equal(report.runs[0]?.init, `sh -c ${script}`);
		assert.equal(report.runs[0]?.listens, true);
		assert.equal(report.runs[0]?.outcome, "stopped");
	});

	test("a wrong option and an image that is not there are found before anything is started", async () => {
		for (const args of [[NODE, "--", "--nonsense"], ["none.invalid/none:none"]]) {
			const { code, stderr } = await lastcall(["rehearse", "--image", ...args], { env: environment() });
			assert.equal(code, 2, stderr);
			assert.match(stderr, /^lastcall: Cannot make a container of ".*": .*(nonsense|none)/);
		}
	});

	test("examples/ci builds its image and rehearses it as its workflow says", async () => {
		using folder = makeDirectory({
			npx: `#!/bin/sh\nshift 2\nexec '${process.execPath}' '${MAIN}' "$@"\n`,
			docker: `#!/bin/sh\nexec '${await realClient()}' "$@"\n`,
		});
		for (const name of ["npx", "docker"]) chmodSync(join(folder.path, name), 0o755);
		const example = join(root, "examples/ci");
		cpSync(example, folder.path, { recursive: true });
		const { jobs } = parse(readFileSync(join(example, ".github/workflows/stop.yml"), "utf8"));
		const commands = jobs.rehearse.steps.map(({ run }: { run?: string }) => run).filter(Boolean);
		assert.equal(commands.length, 2);
		const image = imageTag("ci");
		const base = await exampleImage();
		const port = await freePort();
		for (const command of commands as string[]) {
			// The private engine has no bridge: the container has the host's network, and a port that is free there.
			const adapted = command
				.replace("--tag service .", `--tag ${image} --build-arg IMAGE=${base} .`)
				.replace("--image service", `--image ${image} --runs 2 --within 3s --seed 19`)
				.replace("--publish 127.0.0.1:8080:8080", `--network host --env PORT=${port}`)
				.replace("127.0.0.1:8080", `127.0.0.1:${port}`);
			const env = { PATH: `${folder.path}${delimiter}${process.env.PATH}`, GITHUB_ACTIONS: "true" };
			const { code, stdout, stderr } = await run("sh", ["-c", adapted], { cwd: folder.path, env });
			assert.equal(code, 0, `${adapted}\n${stdout}${stderr}`);
			if (command.startsWith("npx")) assert.match(stderr, /^::notice title=.*::2 of 2 stops held /m);
		}
		assert.match(readFileSync(join(folder.path, "stop.html"), "utf8"), /0 failed and \d+ refused of \d+ requests/);
	});

	test("Ctrl-C leaves no container", async () => {
		const mark = randomUUID();
		const options = ["--", "--label", `rehearsed=${mark}`, "--", "sleep", "1000"];
		const args = [MAIN, "rehearse", "--within", "1h", "--seed", "1", "--image", NODE, ...options];
		const child = spawn(process.execPath, args, {
			env: { ...process.env, ...environment() },
			stdio: ["ignore", "pipe", "pipe"],
		});
		const lines = Lines.from(child.stdout, child.stderr);
		await lines.waitFor(/^lastcall: Starts /);
		await until(async () => (await containersOf(mark)) !== "", "there is a container");
		child.kill("SIGINT");
		const [code] = await once(child, "exit");
		assert.equal(code, 130, lines.text);
		assert.equal(await containersOf(mark), "");
	});
});
