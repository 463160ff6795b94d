/**
 * `npm run bench:exec`: how long until the program starts, and how much memory its init keeps, beside an empty Node.js script
 * and the other inits. Everything in one run, in turns: on a shared machine only the ratios mean something.
 *
 * Arguments: number of turns, 40 unless given.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/lib/paths.ts";

const turns = Number(process.argv[2] ?? 40);
const directory = mkdtempSync(join(tmpdir(), "lastcall-bench-"));
const empty = join(directory, "empty.js");
const waiting = join(directory, "waiting.js");
writeFileSync(empty, "");
writeFileSync(
	waiting,
	"require('fs').writeSync(1, 'up'); setInterval(() => {}, 1000);",
);

const main = join(root, "dist/main.cjs");
const single = join(root, "dist-sea/lastcall");
const inits: readonly (readonly [name: string, command: readonly string[]])[] =
	[
		["lastcall (dist)", [process.execPath, main, "-s", "--"]],
		["lastcall (single executable)", [single, "-s", "--"]],
		["tini", ["tini", "-s", "--"]],
		["dumb-init", ["dumb-init"]],
		["catatonit", ["catatonit", "--"]],
	];
const present = inits.filter(([, [command = "", file = command]]) =>
	command.includes("/")
		? existsSync(command) && existsSync(file.includes("/") ? file : command)
		: spawnSync(command, ["--version"]).error === undefined,
);

/** Milliseconds until a command's first output, or its end if there is none. */
async function timeToOutput([
	command = "",
	...args
]: readonly string[]): Promise<number> {
	const start = performance.now();
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
	const first = await Promise.race([
		once(child.stdout, "data").then(() => performance.now()),
		once(child, "exit").then(() => performance.now()),
	]);
	if (child.exitCode === null && child.signalCode === null)
		await once(child, "exit");
	return first - start;
}

/** Resident kilobytes of a process that waits for its program, or for nothing. */
async function residentMemory([
	command = "",
	...args
]: readonly string[]): Promise<number> {
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
	await once(child.stdout, "data");
	const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
	child.kill("SIGTERM");
	await once(child, "exit");
	return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]);
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const started: readonly (readonly [
	name: string,
	command: readonly string[],
])[] = [
	["node empty.js", [process.execPath, empty]],
	...present.map(([name, init]) => [name, [...init, "echo"]] as const),
	["echo alone", ["echo"]],
];
const times = new Map(started.map(([name]) => [name, [] as number[]]));
for (let turn = 0; turn < turns; turn++)
	for (const [name, command] of started)
		times.get(name)?.push(await timeToOutput(command));

const waits = ["sh", "-c", "echo up; exec sleep 60"];
const resident: readonly (readonly [
	name: string,
	command: readonly string[],
])[] = [
	["node empty.js", [process.execPath, waiting]],
	...present.map(([name, init]) => [name, [...init, ...waits]] as const),
];
const memory = new Map(resident.map(([name]) => [name, [] as number[]]));
for (let turn = 0; turn < Math.min(turns, 10); turn++)
	for (const [name, command] of resident)
		memory.get(name)?.push(await residentMemory(command));

const base = median(times.get("node empty.js") ?? []);
const echo = median(times.get("echo alone") ?? []);
console.log(
	`${turns} turns, medians; the time of echo alone (${echo.toFixed(1)} ms) is taken off`,
);
for (const [name, values] of times) {
	const ms = median(values) - (name.startsWith("node") ? 0 : echo);
	const kilobytes = median(memory.get(name) ?? []);
	if (name === "echo alone") continue;
	console.log(
		`${name.padEnd(30)} ${ms.toFixed(1).padStart(6)} ms  × ${(ms / base).toFixed(2)}  ${(kilobytes / 1024).toFixed(1).padStart(6)} MB resident`,
	);
}
rmSync(directory, { recursive: true });
