import assert from "node:assert/strict";
import { test } from "node:test";
import { closest, suggest } from "../../src/config/suggest.ts";

const NAMES = ["run", "status", "restart", "SIGTERM"];

test("closest() finds the name that was probably meant", () => {
	for (const [name, expected] of [
		["rn", "run"],
		["rnu", "run"],
		["statsu", "status"],
		["restrat", "restart"],
		["run", "run"],
	] as const)
		assert.equal(closest(name, NAMES), expected, name);
});

test("closest() finds none where none is near", () => {
	for (const name of ["", "r", "nur", "start", "TERM", "x".repeat(100_000)])
		assert.equal(closest(name, NAMES), undefined, name.slice(0, 10));
	assert.equal(closest("rn", []), undefined);
});

test("suggest() knows the end of a name as well", () => {
	assert.equal(suggest("TERM", NAMES), '; did you mean "SIGTERM"?');
	assert.equal(suggest("rnu", NAMES), '; did you mean "run"?');
	assert.equal(suggest("nothing", NAMES), "");
	assert.equal(suggest("", NAMES), "");
});
