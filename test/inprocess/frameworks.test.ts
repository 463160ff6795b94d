/** What people run: HTTP frameworks, a cluster, Next.js' standalone server, a queue's worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { run } from "../../scripts/lib/command.ts";
import { linesOf, startApp } from "../helpers/app.ts";
import { startRedis } from "../helpers/redis.ts";

for (const framework of ["node", "fastify"]) {
	test(`drain() fails no request to a server of ${framework} under load`, async () => {
		await using app = await startApp("serving", { args: [framework], env: { LASTCALL_STOP_TIMEOUT: "1h" } });
		await app.lines.waitFor(/^under load$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, 0, app.lines.text);
		assert.deepEqual(linesOf(app), ["under load", "clients: 0 failed"]);
	});
}

test("a cluster is stopped by its primary", async () => {
	await using app = await startApp("clustered");
	await app.lines.waitFor(/^up$/);
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	assert.deepEqual(linesOf(app).slice(1).sort(), ["worker 1 drained", "worker 2 drained", "workers ended with 0,0"]);
});

test("a Next.js standalone server stops by its own listeners, or by onStop()", async () => {
	for (const [env, said] of [
		[{}, "next cleaned up"],
		[{ NEXT_MANUAL_SIG_HANDLE: "true" }, "next drained"],
	] as const) {
		await using app = await startApp("next-standalone", { extension: "cjs", env });
		await app.lines.waitFor(/^up$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, 0, app.lines.text);
		assert.deepEqual(linesOf(app), ["up", said]);
	}
});

const missing = (await run("redis-server", ["--version"])).code === 127 && "redis-server is not installed";

test("a queue's worker finishes the job at hand and takes no other", { skip: missing }, async () => {
	await using server = await startRedis();
	const redis = new Redis(server.port, "127.0.0.1");
	try {
		await redis.rpush("work", "1", "2", "3");
		await using app = await startApp("queue", { args: [`${server.port}`, "work"] });
		await app.lines.waitFor(/^job 1 begun$/);
		app.kill("SIGTERM");
		assert.equal((await app.exit()).code, 0, app.lines.text);
		assert.deepEqual(linesOf(app), ["job 1 begun", "job 1 finished"]);
		assert.deepEqual(await redis.lrange("work", 0, -1), ["2", "3"]);
		assert.equal(await redis.llen("work:active"), 0);
	} finally {
		redis.disconnect();
	}
});
