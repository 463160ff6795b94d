import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Lines } from "./lines.ts";

test("Lines.waitFor() finds a line that is there already, and one that arrives in pieces", async () => {
	const lines = new Lines();
	lines.push("first\nsec");
	assert.equal(await lines.waitFor(/^first$/), "first");
	const second = lines.waitFor(/^second line$/);
	lines.push("ond li");
	lines.push("ne\n");
	assert.equal(await second, "second line");
	assert.deepEqual(lines.all, ["first", "second line"]);
});

test("Lines does not join the pieces of one stream with those of another", async () => {
	const [out, err] = [new PassThrough(), new PassThrough()];
	const lines = Lines.from(out, err);
	out.write('{"cut":');
	err.write("whole\n");
	await lines.waitFor(/^whole$/);
	out.end("true}\n");
	err.end();
	await lines.waitForEnd();
	assert.deepEqual(lines.all, ["whole", '{"cut":true}']);
});

test("Lines.waitFor() sees a prompt, which has no line end", async () => {
	const lines = new Lines();
	lines.push("$ ");
	assert.equal(await lines.waitFor(/\$ $/), "$ ");
});

test("Lines.waitFor() passes over the lines before from", async () => {
	const lines = new Lines();
	lines.push("tick\n");
	const next = lines.waitFor(/tick/, { from: lines.all.length });
	lines.push("tick 2\n");
	assert.equal(await next, "tick 2");
});

test("Lines.waitFor() rejects on timeout and at the end, with the output so far", async () => {
	const lines = new Lines();
	lines.push("one\ntwo");
	await assert.rejects(lines.waitFor(/three/, { timeout: 1 }), {
		message: "Waited for a line that matches /three/, but none came in 1 ms. The output so far:\none\ntwo",
	});
	const waiting = lines.waitFor(/three/);
	lines.end();
	await assert.rejects(waiting, /the output ended without it.*one\ntwo/s);
});
