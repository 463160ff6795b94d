import assert from "node:assert/strict";
import { test } from "node:test";
import { type AppOptions, startApp } from "../helpers/app.ts";
import { WITHOUT_FFI } from "../helpers/lastcall.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

const ORPHANS = 2_000;
const CHILDREN = 40;
const KINDS = [
	"spawn",
	"exec",
	"fork",
	"spawnSync",
	"execSync",
	"execa",
	"cluster",
	"pty",
	"worker:spawn",
	"worker:exec",
	"worker:execSync",
];

const timeout = 120_000;

async function orphans(options: AppOptions = {}) {
	const args = [`${ORPHANS}`];
	const app = await startApp("orphaning", { ...options, args });
	await app.lines.waitFor(/^the shell ended with 0$/, { timeout });
	return app;
}

async function reapsOrphans(options: AppOptions = {}): Promise<void> {
	await using app = await orphans(options);
	await until(() => zombies(app.pid) === 0, "no zombie is left");
}

test("an app that is PID 1 keeps every zombie without lastcall/register", async () => {
	await using app = await orphans({ registered: false });
	await until(() => zombies(app.pid) === ORPHANS, "every orphan is a zombie");
});

test("lastcall/register as PID 1 reaps all of them", () => reapsOrphans());

test("lastcall/register through koffi does the same", () =>
	reapsOrphans({
		nodeFlags: WITHOUT_FFI,
	}));

test("LASTCALL_SUBREAPER=1 does the same outside PID 1", () =>
	reapsOrphans({ asInit: false, env: { LASTCALL_SUBREAPER: "1" } }));

test("the dead children of a worker thread that has ended are reaped, though no signal tells of them", async () => {
	await using app = await startApp("leaving-thread");
	await app.lines.waitFor(/^the thread has ended$/);
	await until(() => zombies(app.pid) === 0, "no zombie is left", 20_000);
});

test(`every kind of child tells its owner of its exit, ${CHILDREN} times of ${CHILDREN}, under a storm of orphans`, async () => {
	await using app = await startApp("children", {
		args: [`${CHILDREN}`, ...KINDS],
	});
	await app.lines.waitFor(/^all done$/, { timeout });
	const expected = KINDS.map(
		(kind) => `${kind}: ${CHILDREN} children, 0 wrong`,
	);
	assert.deepEqual(app.lines.all.slice(0, -1).sort(), expected.sort());
	await until(() => zombies(app.pid) === 0, "no zombie is left");
});
