/**
 * Orphans, children and restarts in such numbers that they take minutes: test/os/reaper.test.ts, test/os/unclaimed-zombies.test.ts and
 * test/supervisor/supervisor.test.ts have the same with fewer. Needs no engine: each storm has a PID namespace of its own.
 */
import { test } from "node:test";
import { BINDINGS } from "../helpers/bindings.ts";
import { FULL } from "../helpers/figures.ts";
import { restartAgainAndAgain } from "../helpers/restarts.ts";
import { stormApp, stormKinds, stormRun } from "../helpers/storm.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

const storm = { orphans: 5_000, children: 200 };

const asInit = BINDINGS.map(([name, nodeFlags]) => [`as PID 1 through ${name}`, { asInit: true, nodeFlags }] as const);

for (const [how, options] of [...asInit, ["as a subreaper", { asInit: false }]] as const)
	test(`run ${how}: 5,000 orphans are reaped, and none of 600 exits of children of Node.js is taken`, () =>
		stormRun({ ...storm, ...options }));

const ORPHANS = 2_000;

test("an app that is PID 1 keeps 2,000 zombies without lastcall/register", async () => {
	await using app = await stormApp(ORPHANS, { registered: false });
	await until(() => zombies(app.pid) === ORPHANS, "every orphan is a zombie");
});

for (const [how, options] of [
	...asInit,
	["outside PID 1 with LASTCALL_SUBREAPER=1", { asInit: false, env: { LASTCALL_SUBREAPER: "1" } }],
] as const)
	test(`lastcall/register ${how}: 2,000 orphans are reaped`, async () => {
		await using app = await stormApp(ORPHANS, options);
		await until(() => zombies(app.pid) === 0, "no zombie is left");
	});

const CHILDREN = FULL ? 1_000 : 100;

test(`lastcall/register: every kind of child tells its owner of its exit, ${CHILDREN} times of ${CHILDREN}, under a storm of orphans`, () =>
	stormKinds(CHILDREN));

test("run: a job is restarted 1,000 times, and the stop is clean", () => restartAgainAndAgain(1_000));
