/** What lastcall has beyond tini. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { suite, test } from "node:test";
import { listProcesses } from "../../src/os/processes/processes.ts";
import { openFifo } from "../helpers/fifo.ts";
import { LEAVE_ORPHAN, ours, program, runInit, startInit } from "../helpers/inits.ts";
import { Lines } from "../helpers/lines.ts";
import { until } from "../helpers/until.ts";

const lastcall = ours("lastcall");
const FFI = join(import.meta.dirname, "../../src/os/ffi/ffi.ts");
const plain = { asInit: false };
const sh = (script: string) => ["--", "sh", "-c", script];
const DEAF = 'trap "" TERM INT; echo ready; while :; do sleep 0.05; done';

suite("--stop-timeout", () => {
	test("kills the program that does not end in time, and says who was late", async () => {
		for (const flags of [
			["--stop-timeout", "300ms"],
			["--stop-timeout=300ms", "-g"],
		]) {
			await using running = await startInit(lastcall, [...flags, ...sh(DEAF)]);
			await running.stdout.waitFor(/^ready$/);
			const start = performance.now();
			await running.kill("SIGTERM");
			assert.equal(await running.exit(), 137);
			// Without its deadline it would never end.
			const took = performance.now() - start;
			assert.ok(took >= 299, `${took} ms`);
			assert.match(running.stderr.text, /^\[WARN {2}lastcall \(1\)\] Killed after 300 ms: .*\(sh -c trap/);
		}
	});

	test("LASTCALL_STOP_TIMEOUT says the same, under any name", async () => {
		for (const name of ["lastcall", "docker-init"]) {
			await using running = await startInit(ours(name), sh(DEAF), { env: { LASTCALL_STOP_TIMEOUT: "200ms" } });
			await running.stdout.waitFor(/^ready$/);
			await running.kill("SIGINT");
			assert.equal(await running.exit(), 137);
		}
	});

	test("a program that ends in time is not touched", async () => {
		await using running = await startInit(lastcall, [
			"--stop-timeout=1h",
			...sh('trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'),
		]);
		await running.stdout.waitFor(/^ready$/);
		await running.kill("SIGTERM");
		assert.equal(await running.exit(), 9);
		assert.equal(running.stderr.text, "");
	});

	test("a duration without a unit is refused, nothing is started", async () => {
		const found = await runInit(lastcall, ["--stop-timeout", "8", "--", "echo", "started"], plain);
		assert.equal(found.code, 1);
		assert.equal(found.stdout, "");
		assert.match(
			found.stderr,
			/^\[FATAL lastcall \(\d+\)\] Not a valid option for --stop-timeout: 8 \(expected a duration with its unit/,
		);
	});
});

suite("--kill-stragglers", () => {
	// It ends when its child is ready.
	const script =
		"trap 'exit 5' USR1; (trap 'echo cleaned up; exit' TERM; kill -USR1 $$; while :; do sleep 0.05; done) & while :; do sleep 0.05; done";

	test("the program's children may clean up when it has ended", async () => {
		const found = await runInit(lastcall, ["--kill-stragglers", ...sh(script)]);
		assert.equal(found.code, 5);
		assert.match(found.stdout, /cleaned up/);
	});

	test("without it they are cut off, as by tini", async () => {
		const found = await runInit(lastcall, sh(script));
		assert.equal(found.code, 5);
		assert.doesNotMatch(found.stdout, /cleaned up/);
	});

	test("who does not end is killed, also in a session of its own", async () => {
		const found = await runInit(lastcall, [
			"--kill-stragglers",
			"--stop-timeout=300ms",
			// The program is asked when its child is ready.
			...sh(`setsid sh -c 'trap "" TERM INT; kill -TERM 1; exec sleep 1000' & exec sleep 1000`),
		]);
		assert.equal(found.code, 143);
		assert.match(found.stderr, /Killed, since it did not end when asked: .*sleep 1000/);
	});

	test("outside PID 1 only our own descendants are ended", async () => {
		await using bystander = await startInit(["sleep"], ["60"], plain);
		const found = await runInit(lastcall, ["-s", "--kill-stragglers", ...sh(script)], plain);
		assert.equal(found.code, 5);
		assert.match(found.stdout, /cleaned up/);
		assert.ok(listProcesses().some(({ pid }) => pid === bystander.pid));
	});
});

suite("--rewrite, --single-child, --setsid", () => {
	test("--rewrite sends another signal, real-time ones too, or none", async () => {
		await using running = await startInit(lastcall, [
			"--rewrite",
			"10:40",
			"--rewrite=41:12",
			"--rewrite=1:0",
			"--",
			...program("listen"),
		]);
		const { stdout } = running;
		await stdout.waitFor(/^ready$/);
		for (const signal of [10, 41]) {
			const before = stdout.all.length;
			await running.kill(signal);
			await until(() => stdout.all.length > before, "it arrives");
		}
		await running.kill(1, "SIGTERM");
		await running.exit();
		assert.deepEqual(stdout.all, ["ready", "40", "12", "15"]);
	});

	test("a bad rule is refused", async () => {
		for (const rule of ["15", "65:1", "0:1", "1:65", "a:b", ""]) {
			const found = await runInit(lastcall, ["--rewrite", rule, "true"], plain);
			assert.equal(found.code, 1, rule);
			assert.match(found.stderr, /Not a valid option for --rewrite: /);
		}
	});

	test("--setsid: a session of its own; --single-child: our own group", async () => {
		const groups = "ps -o pgid=,sid= -p $$ | tr -s ' ' | sed \"s/\\b$$\\b/self/g\"";
		const session = await runInit(lastcall, ["--setsid", ...sh(groups)]);
		assert.equal(session.stdout.trim(), "self self");
		const single = await runInit(lastcall, ["--single-child", ...sh(groups)]);
		assert.equal(single.stdout.trim(), "0 0");
		const usual = await runInit(lastcall, sh(groups));
		assert.equal(usual.stdout.trim(), "self 0");
	});
});

test("--json: one object a line, on stderr, also under tini's name", async () => {
	for (const name of ["lastcall", "tini"]) {
		const found = await runInit(ours(name), ["--json", "-vw", ...sh(`${LEAVE_ORPHAN}; exit 2`)]);
		assert.equal(found.stdout, "");
		const events = found.stderr
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		assert.deepEqual(
			events.map(({ level, event }) => [level, event]),
			[
				["info", "program.spawned"],
				["warn", "process.reaped"],
				["info", "program.exited"],
			],
		);
		assert.deepEqual(events[2].status, { code: 2 });
		assert.match(events[1].msg, /^Reaped zombie process/);
	}
});

test("-p: the program gets the signal when our parent has died", async () => {
	const child = [
		...lastcall,
		"-s",
		"-p",
		"SIGUSR1",
		...sh('trap "echo the parent died; exit" USR1; echo ready; while :; do sleep 0.05; done'),
	];
	const words = child.map((word) => `'${word}'`).join(" ");
	await using running = await startInit(["sh"], ["-c", `${words} & wait`], plain);
	await running.stdout.waitFor(/^ready$/);
	await running.kill("SIGKILL");
	await running.stdout.waitFor(/the parent died/);
});

suite("beyond the options", () => {
	test("whoever is a child subreaper already hears no warning of orphans", async () => {
		const [node = ""] = lastcall;
		const exec = `
			const { foreignFunctions } = await import("${FFI}");
			const types = ["int", "ulong", "ulong", "ulong", "ulong"];
			foreignFunctions().bind("prctl", "int", types)(36, 1n, 0n, 0n, 0n);
			process.execve("${node}", ${JSON.stringify([...lastcall, "--", "true"])});`;
		const flags = ["--input-type=module", "--eval"];
		const became = await runInit([node, "--no-warnings"], [...flags, exec], plain);
		assert.deepEqual([became.stderr, became.code], ["", 0]);
		const other = await runInit(lastcall, ["--", "true"], plain);
		assert.match(other.stderr, /zombie reaping won't work/);
	});

	test("-vv tells of SIGCHLD before it tells of the program that was reaped, however soon that ends", async () => {
		for (let turn = 0; turn < 5; turn++) {
			const { stderr } = await runInit(lastcall, ["-vv", "--", "true"]);
			const received = stderr.indexOf("Received SIGCHLD");
			const reaped = stderr.indexOf("Reaped child with pid");
			assert.ok(received !== -1 && received < reaped, stderr);
		}
	});

	test("a message that finds no reader neither signals the program nor keeps the init busy", async () => {
		const traps = "trap 'exit 9' PIPE; trap 'echo heard' USR1; trap 'exit 3' USR2";
		const script = `${traps}; echo ready; while :; do sleep 0.05; done`;
		const [node = "", ...args] = [...lastcall, "-vvv", ...sh(script)];
		using fifo = openFifo();
		const child = spawn(node, args, { stdio: ["ignore", "pipe", fifo.writer] });
		const lines = Lines.from(child.stdout as Readable);
		await lines.waitFor(/^ready$/);
		fifo.hangUp();
		child.kill("SIGUSR1");
		await lines.waitFor(/^heard$/);
		child.kill("SIGUSR2");
		assert.deepEqual(await once(child, "exit"), [3, null]);
	});
});
