import { suite, test } from "node:test";
import { type AppOptions, startApp } from "../helpers/app.ts";
import { BINDINGS } from "../helpers/bindings.ts";
import { stormApp, stormKinds } from "../helpers/storm.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

// test/faults/storms-children.test.ts has more of both.
/** More than a crowd, so that both waits are had: the short one, and the long one for the last of them. */
const ORPHANS = 300;
const CHILDREN = 5;

async function reapsOrphans(options: AppOptions = {}): Promise<void> {
	await using app = await stormApp(ORPHANS, options);
	await until(() => zombies(app.pid) === 0, "no zombie is left");
}

// The first one waits for five seconds; meanwhile the others work.
suite("unclaimedZombies()", { concurrency: 2 }, () => {
	test("the dead children of a worker thread that has ended are reaped, though no signal tells of them", async () => {
		await using app = await startApp("leaving-thread");
		await app.lines.waitFor(/^the thread has ended$/);
		await until(() => zombies(app.pid) === 0, "no zombie is left");
	});

	test("an app that is PID 1 keeps every zombie without lastcall/register", async () => {
		await using app = await stormApp(ORPHANS, { registered: false });
		await until(() => zombies(app.pid) === ORPHANS, "every orphan is a zombie");
	});

	for (const [binding, nodeFlags] of BINDINGS)
		test(`lastcall/register as PID 1 through ${binding} reaps all of them`, () => reapsOrphans({ nodeFlags }));

	test("LASTCALL_SUBREAPER=1 does the same outside PID 1", () =>
		reapsOrphans({ asInit: false, env: { LASTCALL_SUBREAPER: "1" } }));

	test(`every kind of child tells its owner of its exit, ${CHILDREN} times of ${CHILDREN}, under a storm of orphans`, () =>
		stormKinds(CHILDREN));
});
