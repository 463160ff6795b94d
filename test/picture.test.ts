/** docs/stop.svg: drawn from a real stop by scripts/picture.ts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/lib/paths.ts";
import { drawStop, stopHere } from "../scripts/picture.ts";

const JOBS = ["mailer", "resize", "web"];

test("scripts/picture.ts draws a stop of examples/stop: web, then mailer, and resize killed at the deadline", async () => {
	const report = await stopHere("2s");
	const picture = drawStop(report);
	assertIsPicture(picture);
	const [web, mailer] = ["web", "mailer"].map((name) => barOf(picture, name));
	assert.ok(web && mailer && mailer.from >= web.to, picture);
});

test("docs/stop.svg is such a picture, with the place where resize was", () => {
	const picture = readFileSync(join(root, "docs/stop.svg"), "utf8");
	assertIsPicture(picture);
	assert.match(picture, /in sharpen \(.*jobs\/resize\.ts:\d+\)/);
});

/** Every element is closed in its turn, every job is named, and the colours are those of the page. */
function assertIsPicture(picture: string): void {
	const open: string[] = [];
	for (const [, end, name = "", empty] of picture.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g))
		if (end) assert.equal(open.pop(), name);
		else if (!empty) open.push(name);
	assert.deepEqual(open, []);
	assert.match(picture, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
	assert.match(picture, /prefers-color-scheme:dark/);
	const names = [...picture.matchAll(/class="name"[^>]*>(\w+)</g)].map(([, name]) => name);
	assert.deepEqual(names.sort(), JOBS);
	for (const words of [/exited with code 0 after/, /finished after/, /killed after/, /exit code 124 after/])
		assert.match(picture, words);
}

function barOf(picture: string, job: string): { from: number; to: number } {
	const [, from, width] = new RegExp(`>${job}</text><rect [^>]*x="(\\d+)"[^>]*width="(\\d+)"`).exec(picture) ?? [];
	// A bar of no width is drawn three wide.
	return { from: Number(from) + 3, to: Number(from) + Number(width) };
}
