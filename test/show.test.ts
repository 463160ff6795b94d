import assert from "node:assert/strict";
import { test } from "node:test";
import { plain, show, showKey, showPath } from "../src/base/errors.ts";

test("show() makes one short line of anything", () => {
	const circular: unknown[] = [];
	circular.push(circular);
	const shown: [value: unknown, text: string][] = [
		["web", '"web"'],
		["a\nb\x1b[31m\x9b", '"a\\nb\\u001b[31m\\u009b"'],
		["\u202e", '"\\u202e"'],
		[Number.NaN, "NaN"],
		[1n, "1"],
		[undefined, "undefined"],
		[Symbol("s"), "Symbol(s)"],
		[{ a: [1] }, '{"a":[1]}'],
		[circular, "[object Array]"],
		[{ a: 1n }, "[object Object]"],
	];
	for (const [value, text] of shown) assert.equal(show(value), text);
	assert.equal(show("x".repeat(1_000_000)).length, 121);
	const odd = {
		toJSON: () => assert.fail(),
		get [Symbol.toStringTag]() {
			return assert.fail();
		},
	};
	assert.equal(show(odd), "something odd");
});

test("showKey() quotes a name only if it is odd", () => {
	assert.equal(showKey("a/b.c"), "a/b.c");
	assert.equal(showKey(7), "7");
	assert.equal(showKey("a b"), '"a b"');
	assert.equal(showKey("\x1b[2J"), '"\\u001b[2J"');
});

test("showPath() shows a path as it is, unless no file could have it", () => {
	assert.equal(showPath("/a b/c"), "/a b/c");
	assert.equal(showPath(`/${"x".repeat(70_000)}`).length, 1_001);
});

test("plain() leaves text as it is, but for what a terminal acts on", () => {
	assert.equal(plain("żółw → 7"), "żółw → 7");
	assert.equal(plain("a\r\n\x1b]0;x\x07"), "a\\u000d\\u000a\\u001b]0;x\\u0007");
});
