/** An app that is PID 1 of its container, with `--import lastcall/register` and without. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { type Container, runContainer } from "../helpers/docker.ts";
import { appsImage, BASES } from "../helpers/images.ts";
import { until } from "../helpers/until.ts";

const ORPHANS = 10_000;
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

const LONG = { timeout: 600_000 };

async function zombies(container: Container): Promise<number> {
	const command = "cat /proc/[0-9]*/stat 2>/dev/null";
	const { stdout } = await container.exec(["sh", "-c", command]);
	assert.match(stdout, /^1 \(/m);
	return stdout.match(/^\d+ \(.*\) Z /gm)?.length ?? 0;
}

for (const { name, base, skip } of BASES) {
	suite(name, { skip }, () => {
		let image: string;
		before(async () => {
			image = await appsImage(base);
		});

		function start(
			app: string,
			args: readonly string[] = [],
			{ registered = true, flags = [] as string[] } = {},
		): Promise<Container> {
			const preload = registered ? ["--import", "lastcall/register"] : [];
			return runContainer({
				image,
				args: [...preload, `apps/${app}.ts`, ...args],
				flags: ["--entrypoint=node", ...flags],
			});
		}

		test(`${ORPHANS} orphans: no zombie with it, ${ORPHANS} without`, async () => {
			for (const registered of [true, false]) {
				const flags = ["--pids-limit=20000"];
				await using container = await start("orphaning", [`${ORPHANS}`], { registered, flags });
				await container.waitForLine(/^the shell ended with 0$/, LONG);
				const expected = registered ? 0 : ORPHANS;
				await until(async () => (await zombies(container)) === expected, `${expected} zombies are left`);
			}
		});

		test("a storm of orphans does not use up the pids of the container", async () => {
			const flags = ["--pids-limit=2000"];
			await using container = await start("orphaning", [`${ORPHANS}`], { flags });
			await container.waitForLine(/^the shell ended with 0$/, LONG);
		});

		test("docker stop ends an app without handlers at once with 143; without lastcall it takes SIGKILL", async () => {
			for (const registered of [true, false]) {
				await using container = await start("ticking", [], { registered });
				await container.waitForLine(/^tick$/, LONG);
				const { ms } = await container.stop(3);
				assert.equal(await container.exitCode(), registered ? 143 : 137);
				if (registered) assert.ok(ms < 2_000, `took ${ms} ms`);
				else assert.ok(ms >= 3_000, `took ${ms} ms`);
			}
		});

		test("docker stop runs the stop handlers, and the app ends with 0", async () => {
			await using container = await start("stopping", ["first", "second"]);
			await container.waitForLine(/^up$/, LONG);
			const { ms } = await container.stop();
			const { stdout, stderr } = await container.logs();
			assert.equal(await container.exitCode(), 0, stdout + stderr);
			assert.match(stdout, /^second stopped: 1 min left, .*\nfirst stopped\n$/m);
			assert.equal(stderr, "");
			assert.ok(ms < 2_000, `took ${ms} ms`);
		});

		for (const handler of ["late", "busy", "native"]) {
			test(`docker stop -t 3 with a ${handler} handler: it ends by itself with 124 and names it`, async () => {
				const flags = ["--env=LASTCALL_STOP_TIMEOUT=3s"];
				await using container = await start("stopping", [handler], { flags });
				await container.waitForLine(/^up$/, LONG);
				const { ms } = await container.stop(3);
				const { stderr } = await container.logs();
				assert.equal(await container.exitCode(), 124, stderr);
				assert.match(stderr, new RegExp(`Stop handler "${handler}"`));
				assert.ok(ms < 3_500, `took ${ms} ms`);
			});
		}

		for (const framework of ["node", "fastify"]) {
			test(`docker stop fails no request to a server of ${framework} under load`, async () => {
				await using container = await start("serving", [framework]);
				await container.waitForLine(/^under load$/, LONG);
				const { ms } = await container.stop();
				const { stdout, stderr } = await container.logs();
				assert.equal(await container.exitCode(), 0, stdout + stderr);
				assert.equal(stdout, "under load\nclients: 0 failed\n");
				assert.ok(ms < 5_000, `took ${ms} ms`);
			});
		}

		// test/faults/storms-children.test.ts has more of them.
		const children = 50;
		test(`every kind of child tells its owner of its exit, ${children} times of ${children}, under a storm of orphans`, async () => {
			// node-pty has no build for musl.
			const kinds = KINDS.filter((kind) => base !== "alpine" || kind !== "pty");
			await using container = await start("children", [`${children}`, ...kinds]);
			await container.waitForLine(/^all done$/, LONG);
			const { stdout } = await container.logs();
			const expected = kinds.map((kind) => `${kind}: ${children} children, 0 wrong`);
			const lines = stdout.trimEnd().split("\n").slice(0, -1);
			assert.deepEqual(lines.sort(), expected.sort());
			await until(async () => (await zombies(container)) === 0, "no zombie is left");
		});
	});
}
