/**
 * Storms of orphans beside children that have an owner: none of the orphans stays a zombie, and every owner hears of its
 * child's exit. Whether an exit is lost is decided anew for each child, so a small storm finds what a large one does.
 */
import assert from "node:assert/strict";
import { type AppOptions, startApp } from "./app.ts";
import { fixture, type Lastcall, startLastcall } from "./lastcall.ts";
import { onMusl } from "./musl.ts";
import { PATIENCE_MS, until } from "./until.ts";
import { zombies } from "./zombies.ts";

/** A large storm takes minutes; 50 ms for each process are ten times what one needs. */
const timeFor = (processes: number) => PATIENCE_MS + 50 * processes;

export interface RunStorm {
	readonly orphans: number;
	/** Of each of two threads, and of the main thread. */
	readonly children: number;
	readonly asInit: boolean;
	readonly nodeFlags?: readonly string[];
}

/** Through `lastcall run`. */
export async function stormRun({ orphans, children, asInit, nodeFlags = [] }: RunStorm): Promise<void> {
	const spawning = { thread: fixture("spawning"), data: children };
	await using lastcall = await startLastcall(
		{
			logLevel: "debug",
			jobs: { orphans: { thread: fixture("orphaning"), data: orphans }, children: spawning, more: spawning },
		},
		{
			asInit,
			nodeFlags: ["--import", fixture("../spawn-in-main"), ...nodeFlags],
			env: { CHILDREN_IN_MAIN: `${children}` },
		},
	);
	const timeout = timeFor(orphans + 3 * children);
	await lastcall.lines.waitFor(/^orphans: the shell ended with 0$/, { timeout });
	for (const owner of ["children", "more", "main"]) {
		const line = `^${owner}: ${children} children, 0 wrong$`;
		await lastcall.lines.waitFor(new RegExp(line), { timeout });
	}
	await until(() => zombies(lastcall.pid) === 0, "no zombie is left");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	const reaped = lastcall.events.filter(({ type }) => type === "orphan.reaped");
	assert.ok(reaped.length >= orphans, `reaped ${reaped.length}`);
}

/** Through an app that leaves orphans behind; all of them are there, or have been reaped. */
export async function stormApp(orphans: number, options: AppOptions = {}): Promise<Lastcall> {
	const app = await startApp("orphaning", { ...options, args: [`${orphans}`] });
	const timeout = timeFor(orphans);
	await app.lines.waitFor(/^the shell ended with 0$/, { timeout });
	return app;
}

export const KINDS = [
	"spawn",
	"exec",
	"fork",
	"spawnSync",
	"execSync",
	"execa",
	"cluster",
	...(onMusl ? [] : ["pty"]),
	"worker:spawn",
	"worker:exec",
	"worker:execSync",
];

/** Starts so many children of every kind in an app, under a storm that lasts until they have ended. */
export async function stormKinds(children: number): Promise<void> {
	const args = [`${children}`, ...KINDS];
	await using app = await startApp("children", { args });
	// One of them is a Node.js, and beside it goes the storm.
	const timeout = timeFor(20 * children * KINDS.length);
	await app.lines.waitFor(/^all done$/, { timeout });
	const expected = KINDS.map((kind) => `${kind}: ${children} children, 0 wrong`);
	assert.deepEqual(app.lines.all.slice(0, -1).sort(), expected.sort());
	await until(() => zombies(app.pid) === 0, "no zombie is left");
}
