/** Runs the benchmark as quickly as it can: whether it still works, not what it finds. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { helper } from "../../bench/lib/helpers.ts";
import type { Run } from "../../bench/lib/result.ts";
import { Stopwatch } from "../../bench/lib/stopwatch.ts";
import { run } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { needsPeers } from "../helpers/peers.ts";

const CONTESTANTS = ["lastcall (tini mode)", "tini"];

const missing = ["gcc", "unshare", "tini"].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);
/** In CI nothing may be missing. */
const skip =
	process.env.CI === "true"
		? false
		: missing.length > 0
			? `not installed: ${missing.join(", ")}`
			: process.getuid?.() !== 0 && "needs root, for a PID namespace";

test("Stopwatch times the program's first instruction, signals, and the end", { skip }, async () => {
	await using running = await Stopwatch.start({ command: [helper("receive")] });
	const [first = 0n] = await running.stamps(1);
	assert.ok(first > running.startedNs, `${first} ns`);
	assert.ok(running.sinceStart(first) < 20_000);
	const us = await running.signal(10);
	assert.ok(us !== undefined && us > 0, `${us} µs`);
	assert.ok((await running.terminate()) > 0);
});

test("Stopwatch says what is wrong when nothing is stamped, with the output", { skip }, async () => {
	await using running = await Stopwatch.start({ command: ["sh", "-c", "echo nobody stamps"] });
	await running.end();
	await assert.rejects(running.stamps(1, 10), /found 0.*nobody stamps/s);
});

test("a contestant that does not end is killed with all its namespace", { skip }, async () => {
	const stubborn = "trap '' TERM; sleep 60 & wait; sleep 60";
	let pid = 0;
	{
		await using running = await Stopwatch.start({ command: ["sh", "-c", stubborn] });
		({ pid } = running);
		await assert.rejects(running.terminate(100), /Still there 100 ms/);
	}
	assert.equal(existsSync(`/proc/${pid}`), false);
});

test("npm run bench measures, keeps the figures, and prints them as tables", {
	skip: skip || needsPeers().skip,
	timeout: 300_000,
}, async () => {
	using directory = makeDirectory();
	const measures = ["start", "whole", "forward", "reap"];
	const args = [...measures, "--quick", "--no-build"];
	const only = CONTESTANTS.flatMap((name) => ["--contestant", name]);
	const { code, stdout, stderr } = await run(
		process.execPath,
		[join(root, "bench/bench.ts"), ...args, ...only, "--output", directory.path],
		{ timeout: 280_000 },
	);
	assert.equal(code, 0, stderr);
	const file = join(directory.path, "benchmarks/speed.json");
	const { results, versions } = JSON.parse(readFileSync(file, "utf8")) as Run;
	assert.deepEqual(
		results.map(({ measure }) => measure),
		measures,
	);
	assert.deepEqual(Object.keys(versions), CONTESTANTS);
	for (const { measure, rows, title } of results) {
		for (const contestant of CONTESTANTS) {
			const row = rows.find((row) => row.contestant === contestant);
			const values = Object.entries(row?.values ?? {});
			assert.ok(values.length > 1, `${measure} of ${contestant}`);
			for (const [column, value] of values) assert.ok(value >= 0, `${measure} of ${contestant}, ${column}: ${value}`);
		}
		assert.ok(stdout.includes(title), title);
		assert.ok(existsSync(join(directory.path, `benchmarks/${measure}.svg`)));
	}
	const zombies = results.flatMap(({ aims }) => aims.filter(({ text }) => text.includes("no zombie left")));
	assert.ok(zombies.length > 0 && zombies.every(({ met }) => met));
});

for (const [measure, during] of [
	["forward", "turns"],
	["memory", "a pause"],
] as const)
	test(`npm run bench that is interrupted during ${during} ends by the signal, writes nothing, and leaves nothing`, {
		skip: skip || needsPeers().skip,
		timeout: 120_000,
	}, async () => {
		using output = makeDirectory();
		using temporary = makeDirectory();
		// So many turns that it does not end by itself.
		const args = [measure, "--no-build", "--turns", "100000", "--contestant", "tini", "--output", output.path];
		const bench = spawn(process.execPath, [join(root, "bench/bench.ts"), ...args], {
			env: { ...process.env, TMPDIR: temporary.path },
			stdio: ["ignore", "ignore", "pipe"],
		});
		let said = "";
		for await (const text of bench.stderr) {
			said += text;
			if (/turn 1 of|signal 1 of/i.test(said)) break;
		}
		const exited = once(bench, "exit");
		bench.kill("SIGTERM");
		assert.deepEqual(await exited, [null, "SIGTERM"]);
		assert.deepEqual(readdirSync(output.path), []);
		assert.deepEqual(readdirSync(temporary.path), []);
	});

test("npm run bench names a measure that there is not, before it builds anything", async () => {
	const { code, stderr } = await run(process.execPath, [join(root, "bench/bench.ts"), "speed"]);
	assert.equal(code, 2);
	assert.match(stderr, /^lastcall: Cannot measure "speed", expected one of start, whole, forward.*\n$/);
});
