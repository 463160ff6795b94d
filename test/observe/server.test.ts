/** Probes, status, metrics and commands, asked of a real init. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { startLastcall, writeConfig } from "../helpers/lastcall.ts";
import { Lines } from "../helpers/lines.ts";
import { MAIN } from "../helpers/main.ts";
import { freePort, takePort } from "../helpers/ports.ts";
import { program, shell } from "../helpers/programs.ts";
import { until } from "../helpers/until.ts";

const waiting = (name: string) => ({ command: program("waiting.sh", name) });

/** Takes ten seconds, in which the other tests work. */
const hungUp = isHungUpOn();

async function isHungUpOn(): Promise<boolean> {
	const port = await freePort();
	await using lastcall = await startLastcall({ http: { port }, jobs: { it: waiting("it") } });
	await lastcall.lines.waitFor(/it: running/);
	const visitor = connect(port, "127.0.0.1");
	visitor.write("GET /livez HTTP/1.1\r\nHost:");
	await once(visitor, "close");
	return true;
}

test("serve() answers probes, status and metrics on its port, and takes no commands there", async () => {
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	await using lastcall = await startLastcall({
		http: { port },
		jobs: {
			it: waiting("it"),
			once: { command: ["true"], readiness: "exit" },
			flaky: { command: shell("exit 1"), restart: "always", restartDelay: "10ms", maxRestarts: 2, essential: false },
		},
	});
	await lastcall.lines.waitFor(/it: running/);
	await lastcall.waitFor("job.ready", "once");
	await lastcall.lines.waitFor(/"restarts":2/);
	const get = async (path: string, init?: RequestInit) => {
		const response = await fetch(url + path, init);
		return { status: response.status, body: await response.text() };
	};
	assert.deepEqual(await get("/livez"), { status: 200, body: "ok\n" });
	assert.deepEqual(await get("/readyz"), { status: 200, body: "ready\n" });
	const { ready, jobs } = JSON.parse((await get("/status")).body);
	assert.equal(ready, true);
	assert.deepEqual(
		jobs.slice(0, 2).map(({ name, state }: { name: string; state: string }) => [name, state]),
		[
			["it", "ready"],
			["once", "completed"],
		],
	);
	const first = await get("/metrics");
	const { body } = await get("/metrics");
	assert.equal(body, first.body, "the second scrape counts nothing twice");
	assert.match(body, /^lastcall_jobs\{state="completed"\} 1$/m);
	assert.match(body, /^lastcall_job_restarts_total\{job="flaky"\} 2$/m);
	assert.match(body, /^lastcall_job_exits_total\{job="once",outcome="exited"\} 1$/m);
	assert.equal((await get("/jobs/it/stop", { method: "POST" })).status, 403);
	assert.equal((await get("/livez", { method: "POST" })).status, 405);
	assert.equal((await get("/nothing")).status, 404);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("serve() answers /readyz with 503 from the moment the stop is requested", async () => {
	const port = await freePort();
	await using lastcall = await startLastcall({
		http: { port },
		stopTimeout: "2h",
		drainDelay: "1h",
		jobs: { it: waiting("it") },
	});
	await lastcall.lines.waitFor(/it: running/);
	const status = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
	assert.equal(await status(), 200);
	lastcall.kill("SIGTERM");
	await lastcall.waitFor("stop.requested");
	assert.equal(await status(), 503);
	const live = await fetch(`http://127.0.0.1:${port}/livez`);
	assert.equal(live.status, 200, "it is alive all the same");
});

test("run() starts nothing when the configured port is taken", async () => {
	using taken = await takePort();
	using config = writeConfig({ http: { port: taken.port }, jobs: { it: { command: shell("echo started") } } });
	const { code, stdout, stderr } = await cli(["run", config.path]);
	assert.equal(code, 2);
	assert.equal(stdout, "");
	assert.match(stderr, /^lastcall: Cannot use http: .*EADDRINUSE/);
});

test("lastcall status, stop, restart and signal reach the init through its socket", async () => {
	await using lastcall = await startLastcall({
		jobs: { web: { command: program("signals.js") }, other: waiting("other") },
	});
	await lastcall.waitFor("job.started", "other");
	await lastcall.lines.waitFor(/listening for signals/);
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await retry(async () => (await ask("status")).code === 0);
	assert.equal(statSync(lastcall.socket).mode & 0o777, 0o600);

	const status = await ask("status");
	assert.match(status.stdout, /^web +ready +.*process \d+ +0 +-$/m);
	const json = JSON.parse((await ask("status", "--json")).stdout);
	assert.equal(json.jobs.length, 2);

	const signal = await ask("signal", "web", "USR2");
	assert.equal(signal.stdout, "Sent SIGUSR2 to job web\n");
	await lastcall.lines.waitFor(/^got SIGUSR2$/);
	const wrong = await ask("signal", "web", "SIGNAL");
	assert.equal(wrong.code, 1);
	assert.match(wrong.stderr, /no such signal/);

	const { id } = lastcall.event("job.started", "web");
	const restart = await ask("restart", "web");
	assert.equal(restart.stdout, "Job web is ready\n");
	// The answer may be here before the log line.
	const idsOfWeb = () =>
		lastcall.events
			.filter((event) => event.type === "job.started")
			.filter(({ job }) => job === "web")
			.map(({ id }) => id);
	await until(() => idsOfWeb().length === 2, "its second start is logged");
	assert.notEqual(idsOfWeb()[1], id);

	const stop = await ask("stop", "web");
	assert.match(stop.stdout, /^Job web has stopped after \d+ ms\n$/);
	const after = await ask("status");
	assert.equal(after.code, 1, "an essential job is not there");
	assert.match(after.stdout, /^web +ended /m);
	const unknown = await ask("stop", "nothing");
	assert.equal(unknown.code, 1);
	assert.match(unknown.stderr, /no such job, expected one of web, other/);

	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("lastcall stop takes a start back, and status tells; lastcall restart waits for what the job depends on", async () => {
	using folder = makeDirectory();
	const opened = join(folder.path, "opened");
	await using lastcall = await startLastcall({
		jobs: {
			base: {
				command: shell(`while ! [ -e ${opened} ]; do sleep 0.02; done; exec sleep 1000`),
				readiness: "notify",
				startTimeout: "1h",
			},
			waits: { ...waiting("waits"), dependsOn: ["base"] },
			failing: { command: shell("exit 3"), restart: "on-failure", restartDelay: "1h", essential: false },
		},
	});
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await lastcall.waitFor("restart.scheduled", "failing");
	await retry(async () => (await ask("status")).stdout !== "");
	const taken = /^Job \w+ was waiting for its start, and will not be started\n$/;
	for (const job of ["waits", "failing"]) {
		assert.match((await ask("stop", job)).stdout, taken);
		const status = await ask("status");
		assert.match(status.stdout, new RegExp(`^${job} +ended `, "m"));
	}
	for (const turn of [1, 2]) {
		const again = await ask("restart", "waits");
		assert.equal(again.stdout, "Job waits is waiting for base\n", `${turn}`);
	}
	assert.match((await ask("status")).stdout, /^waits +waiting /m);
	assert.ok(!lastcall.lines.text.includes("waits: running"));
});

test("outside PID 1 lastcall status finds the service of the same directory, and of no other", async () => {
	using runtime = makeDirectory();
	using here = makeDirectory({ "lastcall.config.json": JSON.stringify({ jobs: { it: waiting("it") } }) });
	using elsewhere = makeDirectory();
	const env = { ...process.env, XDG_RUNTIME_DIR: runtime.path, LASTCALL_SOCKET: "", TMPDIR: elsewhere.path };
	const service = spawn(process.execPath, [MAIN, "run"], { cwd: here.path, env, stdio: ["ignore", "pipe", "pipe"] });
	const exited = once(service, "exit");
	const lines = Lines.from(service.stdout, service.stderr);
	try {
		await lines.waitFor(/it: running/);
		await retry(async () => (await cli(["status"], { cwd: here.path, env })).code === 0);
		assert.match((await cli(["status"], { cwd: here.path, env })).stdout, /^it +ready/m);
		const other = await cli(["status"], { cwd: elsewhere.path, env });
		assert.equal(other.code, 1);
		assert.match(other.stderr, /Cannot reach an init/);
		assert.equal((await cli(["stop"], { cwd: here.path, env })).code, 0);
		assert.deepEqual(await exited, [0, null], lines.text);
		assert.deepEqual(readdirSync(runtime.path), [], "the socket is removed");
	} finally {
		service.kill("SIGKILL");
	}
});

test("lastcall restart answers when the job is ready, or has failed", async () => {
	using folder = makeDirectory();
	const opened = join(folder.path, "opened");
	const port = await freePort();
	await using lastcall = await startLastcall({
		jobs: {
			it: {
				command: [
					process.execPath,
					"-e",
					`const fs = require("fs"); if (fs.existsSync("${opened}")) process.exit(4); setTimeout(() => require("net").createServer().listen(${port}), 300)`,
				],
				readiness: { tcp: `127.0.0.1:${port}` },
				essential: false,
			},
			other: waiting("other"),
		},
	});
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await lastcall.waitFor("job.ready", "it");
	await retry(async () => (await ask("status")).code === 0);
	assert.equal((await ask("restart", "it")).stdout, "Job it is ready\n");
	writeFileSync(opened, "");
	const failed = await ask("restart", "it");
	assert.match(failed.stderr, /Cannot restart it: it exited with code 4$/m);
	assert.equal(failed.code, 1);
});

test("lastcall start starts what was stopped, --no-wait does not wait for it, and lastcall stop stops everything", async () => {
	await using lastcall = await startLastcall({
		jobs: { web: waiting("web"), slow: { command: shell("exec sleep 1000"), readiness: "notify", essential: false } },
	});
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await lastcall.lines.waitFor(/web: running/);
	await retry(async () => (await ask("status")).code === 0);
	assert.equal((await ask("start", "web")).stdout, "Job web is ready already\n");
	await ask("stop", "web");
	assert.equal((await ask("start", "web")).stdout, "Job web is ready\n");
	await until(() => lastcall.lines.all.filter((line) => line === "web: running").length === 2, "it runs again");
	// It never becomes ready.
	assert.equal((await ask("restart", "slow", "--no-wait")).stdout, "Job slow is starting\n");
	assert.equal((await ask("stop")).stdout, "The program is stopping\n");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const { reason } = lastcall.event("stop.finished").report;
	assert.deepEqual(reason, { type: "command" });
	assert.match(lastcall.lines.text, /Stopping: lastcall stop; the jobs have/);
});

test("lastcall restart fails when the program cannot be run any more, and succeeds when it can again", async () => {
	const script = "#!/bin/sh\nexec sleep 1000\n";
	using folder = makeDirectory({ "program.sh": script });
	const path = join(folder.path, "program.sh");
	chmodSync(path, 0o755);
	await using lastcall = await startLastcall({
		jobs: { it: { command: [path], essential: false }, web: waiting("web") },
	});
	await lastcall.lines.waitFor(/web: running/);
	const ask = (...args: string[]) => cli([...args, "--socket", lastcall.socket]);
	await retry(async () => (await ask("status")).code === 0);
	renameSync(path, `${path}.gone`);
	const failed = await ask("restart", "it");
	assert.equal(failed.code, 1, failed.stdout);
	assert.match(failed.stderr, /^lastcall: Cannot restart it: it could not start: .*ENOENT/);
	renameSync(`${path}.gone`, path);
	const restarted = await ask("restart", "it");
	assert.equal(restarted.stdout, "Job it is ready\n", restarted.stderr);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("lastcall status --watch goes on until a signal ends it", async () => {
	await using lastcall = await startLastcall({ jobs: { it: waiting("it") } });
	await lastcall.lines.waitFor(/it: running/);
	await retry(async () => (await cli(["status", "--socket", lastcall.socket])).code === 0);
	const args = [MAIN, "status", "--watch", "--socket", lastcall.socket];
	const watch = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
	try {
		const lines = Lines.from(watch.stdout, watch.stderr);
		await lines.waitFor(/^it +ready/);
		const from = lines.all.length;
		await lines.waitFor(/^it +ready/, { from });
		watch.kill("SIGINT");
		const [code] = await once(watch, "exit");
		assert.equal(code, 130);
	} finally {
		watch.kill("SIGKILL");
	}
});

test("lastcall status says where it looked when there is no init", async () => {
	const { code, stderr } = await cli(["status", "--socket", "/nowhere/x.sock"]);
	assert.equal(code, 1);
	assert.match(stderr, /^lastcall: Cannot reach an init at \/nowhere\/x.sock \(ENOENT\)/);
});

test("a socket that cannot be had is told, and harms no job", async () => {
	using folder = temporaryFolder();
	const plain = join(folder.path, "plain");
	writeFileSync(plain, "");
	const live = join(folder.path, "live.sock");
	const server = createServer().listen(live);
	await once(server, "listening");
	try {
		for (const [path, message] of [
			[plain, /something else than a socket/],
			["/proc/nothing/x.sock", /ENOENT|EACCES|ENOTDIR/],
			[live, /belongs to an init that is alive/],
			[join(folder.path, "x".repeat(200)), /EINVAL|ENAMETOOLONG/],
		] as const) {
			await using lastcall = await startLastcall({ jobs: { it: waiting("it") } }, { env: { LASTCALL_SOCKET: path } });
			await lastcall.waitFor("server.failed");
			assert.match(lastcall.event("server.failed").error.message, message);
			await lastcall.lines.waitFor(/it: running/);
			lastcall.kill("SIGTERM");
			assert.equal((await lastcall.exit()).code, 0);
		}
	} finally {
		server.close();
	}
});

test("a socket that a dead init has left behind is replaced", async () => {
	using folder = temporaryFolder();
	const path = join(folder.path, "left.sock");
	// perl leaves the file behind, as whoever was killed does.
	const bind = `socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; bind($s, sockaddr_un("${path}")) or die; listen($s, 1)`;
	execFileSync("perl", ["-MSocket", "-e", bind]);
	assert.ok(statSync(path).isSocket());
	await using lastcall = await startLastcall({ jobs: { it: waiting("it") } }, { env: { LASTCALL_SOCKET: path } });
	await lastcall.lines.waitFor(/it: running/);
	await retry(async () => (await cli(["status", "--socket", path])).code === 0);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	assert.throws(() => statSync(path), "it is gone with its init");
});

test("the summary of a failed run goes to the termination message file, if it is there", async () => {
	using folder = temporaryFolder();
	const path = join(folder.path, "termination-log");
	const jobs = { deaf: { command: program("deaf.sh"), stopTimeout: "100ms" } };
	for (const exists of [true, false]) {
		if (exists) writeFileSync(path, "x".repeat(10_000));
		else rmSync(path);
		await using lastcall = await startLastcall({ jobs, terminationMessage: path });
		await lastcall.lines.waitFor(/deaf: running/);
		lastcall.kill("SIGTERM");
		assert.equal((await lastcall.exit()).code, 124);
		if (exists)
			assert.match(
				readFileSync(path, "utf8"),
				/^Exit code 124, .*: SIGTERM\ndeaf: killed after .*: sleeping, wait4.*deaf\.sh, \d+ \(.*sleep 1000\)\n$/,
			);
		else assert.throws(() => statSync(path), "it is not made");
	}
});

test("serve() hangs up on a visitor that never ends its request", async () => {
	assert.ok(await hungUp);
});

function temporaryFolder(): Disposable & { readonly path: string } {
	const path = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Until it is so; each try takes as long as a program needs to start. */
async function retry(isSo: () => Promise<boolean>): Promise<void> {
	for (let tries = 0; tries < 50; tries++) if (await isSo()) return;
	assert.fail("it was never so");
}
