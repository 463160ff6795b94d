import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { linesOf, REGISTER } from "./helpers/app.ts";
import { startNode } from "./helpers/lastcall.ts";

const APP = join(import.meta.dirname, "../examples/in-process/app.ts");

test("examples/in-process answers, and stops with 0 in the order it says", async () => {
	await using app = await startNode([APP], { nodeFlags: REGISTER, env: { PORT: "0" } });
	const line = await app.lines.waitFor(/^listening on/);
	const [, port] = /"port":(\d+)/.exec(line) ?? [];
	const response = await fetch(`http://127.0.0.1:${port}/page`, { headers: { connection: "close" } });
	assert.equal(await response.text(), "/page: 1\n");
	app.kill("SIGTERM");
	assert.equal((await app.exit()).code, 0, app.lines.text);
	assert.deepEqual(linesOf(app).slice(1), ["store closed with 1 entries"]);
});
