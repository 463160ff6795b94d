/** A /proc that is missing, hides others, shows somebody else's numbers, or cannot be written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findEvent, parseEvents } from "../helpers/events.ts";
import {
	ALL_WAYS,
	holdsUp,
	MAIN,
	MAJORS,
	MAY_MOUNT,
	type Surroundings,
	startCommand,
	type Walled,
} from "../helpers/surroundings.ts";

const NO_PROC = { flags: MAY_MOUNT, before: "umount -l /proc" };
const HIDEPID = "mount -t proc -o hidepid=2,gid=4242 proc /proc";
/** Root, but neither in the group nor with the capability that hidepid asks for. */
const HALF_BLIND = { flags: MAY_MOUNT, before: HIDEPID, prefix: "setpriv --bounding-set=-sys_ptrace,-sys_admin" };

const HIDDEN: Readonly<Record<string, Surroundings>> = {
	"no /proc": NO_PROC,
	"an empty file system over /proc": { flags: MAY_MOUNT, before: "mount -t tmpfs none /proc" },
	"hidepid, as an ordinary user": {
		flags: MAY_MOUNT,
		before: HIDEPID,
		prefix: "setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all --no-new-privs",
	},
	"hidepid, as root without CAP_SYS_PTRACE": HALF_BLIND,
	"a read-only /proc": { flags: MAY_MOUNT, before: "mount -o remount,ro /proc" },
};

for (const major of MAJORS)
	for (const [what, surroundings] of Object.entries(HIDDEN))
		for (const way of ALL_WAYS)
			test(`${what}: ${way} works, reaps and stops on Node.js ${major}`, async (t) => {
				await holdsUp(t, what, way, surroundings, major);
			});

/** A daemon that takes a while to clean up: in a session of its own, its parent gone. */
const daemon = (user = "", atTerm = 'sleep 0.3; echo "clean shutdown"') =>
	`setsid ${user} sh -c 'trap "$0" TERM; echo running >>/notes/daemon; while :; do sleep 0.05; done' '{ ${atTerm}; } >>/notes/daemon; exit 0' &`;
const ANOTHER_USER = "setpriv --reuid=1234 --regid=1234 --clear-groups --bounding-set=-all";
/** Starts a daemon, then works until it is stopped. */
const starting = (script: string) => ["sh", "-c", `${script} exec sh programs/noting.sh starter`];
const PARTS = ["daemon", "starter"];

function start(way: "run" | "tini", script: string, surroundings: Surroundings): Promise<Walled> {
	const options = { parts: PARTS };
	if (way === "tini")
		return startCommand([...MAIN, "--kill-stragglers", "--", ...starting(script)], surroundings, options);
	const config = { stopTimeout: "4s", jobs: { starter: { command: starting(script) } } };
	return startCommand(
		[...MAIN, "run", "/tmp/lastcall.config.json"],
		{
			...surroundings,
			flags: [...(surroundings.flags ?? []), `--env=CONFIG=${JSON.stringify(config)}`],
			before: `printf %s "$CONFIG" >/tmp/lastcall.config.json; ${surroundings.before}`,
		},
		options,
	);
}

for (const way of ["run", "tini"] as const) {
	test(`${way} asks a daemon that hidepid hides to stop, and waits for it`, async () => {
		await using walled = await start(way, daemon(ANOTHER_USER), HALF_BLIND);
		await walled.untilRunning();
		const { code } = await walled.stop();
		assert.equal(code, 0, await walled.output());
		walled.assertCleanShutdown();
	});

	test(`${way} without /proc asks a daemon to stop, and waits for it`, async () => {
		await using walled = await start(way, daemon(), NO_PROC);
		await walled.untilRunning();
		const { code } = await walled.stop();
		assert.equal(code, 0, await walled.output());
		walled.assertCleanShutdown();
	});
}

test("without /proc a daemon that ignores SIGTERM is killed, and the exit code tells", async () => {
	const deaf = daemon("", ":").replace("exit 0", ":");
	await using walled = await start("run", deaf, NO_PROC);
	await walled.untilRunning();
	const { code, ms } = await walled.stop();
	const output = await walled.output();
	assert.equal(code, 124, output);
	assert.match(output, /Killed stragglers: some that \/proc does not show/);
	assert.ok(ms < 5_000, `took ${ms} ms`);
});

test("without /proc jobs that do not stop are named, and it ends by itself with 124", async () => {
	const command = [...MAIN, "run", "configs/late.json"];
	await using walled = await startCommand(command, NO_PROC);
	for (const job of ["good", "slow", "busy", "native"])
		await walled.container.waitForLine(new RegExp(`Job ${job} is ready`), { timeout: 60_000 });
	// The configuration says 3 s; a busy machine may take longer for them.
	const { code } = await walled.stop(30);
	const output = await walled.output();
	assert.equal(code, 124, output);
	const { report } = findEvent(parseEvents(output.split("\n")), "stop.finished");
	const ended = (outcome: string) => report.jobs.filter(({ exit }) => exit.outcome === outcome).map(({ job }) => job);
	assert.deepEqual(ended("finished"), ["good", "slow"]);
	// On a busy machine a thread that is killed may take longer to go than the reserve has.
	assert.deepEqual([...ended("killed"), ...ended("stuck")], ["busy", "native"]);
});

test("with the /proc of another PID namespace nobody is taken for somebody else", async () => {
	// The init is PID 1 of a namespace inside the container's.
	await using walled = await start("run", daemon(), {
		flags: MAY_MOUNT,
		before: ":",
		prefix: "unshare --pid --fork --kill-child",
	});
	await walled.untilRunning();
	const term = "kill -TERM $(cat /proc/1/task/1/children)";
	const { code, stderr } = await walled.container.exec(["sh", "-c", term]);
	assert.equal(code, 0, stderr);
	assert.equal(await walled.container.wait(30_000), 0, await walled.output());
	walled.assertCleanShutdown();
	assert.doesNotMatch(await walled.output(), /Ended stragglers: \d/);
});
