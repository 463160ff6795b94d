/**
 * What `--import lastcall/register` adds to an app's start and memory: the same app as PID 1 with and without, turn by turn in
 * one run, so that a noisy machine is noisy for both.
 *
 * `node bench/register.ts [TURNS]`, after `npm run build`. Needs unshare(1).
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const TURNS = Number(process.argv[2] ?? 40);
const REGISTER = fileURLToPath(new URL("../dist/register.js", import.meta.url));

// Ends at once, and says what the kernel counted: bytes that no other process shares.
const APP = `
import {readFileSync} from "node:fs";
const [, kib] = /^Private_Dirty: *([0-9]+)/m.exec(readFileSync("/proc/self/smaps_rollup", "latin1"));
console.log(kib);`;

interface Sample {
	readonly ms: number;
	readonly kib: number;
}

function start(flags: readonly string[]): Sample {
	const node = [
		process.execPath,
		...flags,
		"--input-type=module",
		"--eval",
		APP,
	];
	const began = performance.now();
	const { stdout, status } = spawnSync(
		"unshare",
		["--pid", "--fork", "--mount-proc", ...node],
		{ encoding: "utf8" },
	);
	const ms = performance.now() - began;
	if (status !== 0)
		throw new Error(`Cannot run "${node.join(" ")}": ${status}`);
	return { ms, kib: Number(stdout) };
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const bare: Sample[] = [];
const registered: Sample[] = [];
for (let turn = 0; turn < TURNS; turn++) {
	bare.push(start([]));
	registered.push(start(["--import", REGISTER]));
}

for (const [what, of] of [
	["start and end, ms", (sample: Sample) => sample.ms],
	["private dirty, MB", (sample: Sample) => sample.kib / 1_024],
] as const) {
	const without = median(bare.map(of));
	const added = median(registered.map(of)) - without;
	const percent = (added / without) * 100;
	console.log(
		`${what}: bare ${without.toFixed(1)}, register adds ${added.toFixed(1)} (${percent.toFixed(0)} %)`,
	);
}
