import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, errorInfo, UserError } from "../src/base/errors.ts";

test("errorInfo() keeps name, message, stack and code of an error", () => {
	const error = Object.assign(new TypeError("no such queue"), { code: "ENOENT" });
	assert.deepEqual(errorInfo(error), {
		name: "TypeError",
		message: "no such queue",
		stack: error.stack,
		code: "ENOENT",
	});
	assert.equal(errorInfo(new UserError("x")).name, "UserError");
});

test("errorInfo() leaves out a stack and a code that are not text", () => {
	const error = new Error("bare");
	Object.assign(error, { stack: undefined, code: 7 });
	assert.deepEqual(errorInfo(error), { name: "Error", message: "bare" });
});

test("errorInfo() describes what is thrown without being an error", () => {
	const message = (thrown: unknown) => errorInfo(thrown).message;
	assert.equal(message("text"), "Thrown value: text");
	assert.equal(message(undefined), "Thrown value: undefined");
	assert.equal(message(Symbol("sign")), "Thrown value: Symbol(sign)");
	assert.equal(errorInfo(null).name, "Error");
});

test("errorInfo() never throws, whatever it is given", () => {
	const trap = () => {
		throw new Error("trap");
	};
	const hostile = Object.defineProperty(new Error("x"), "stack", { get: trap });
	const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
	const things = [hostile, new Proxy({}, traps), Object.create(null), { toString: trap }];
	for (const thing of things)
		assert.deepEqual(errorInfo(thing), { name: "Error", message: "Thrown value cannot be described" });
});

test("errorInfo() is plain data that may cross to another thread", () => {
	const error = Object.assign(new Error("x"), { close: () => {}, code: "E" });
	const info = errorInfo(error);
	assert.deepEqual(structuredClone(info), info);
});

test("errorInfo() clips long texts, and says so", () => {
	const error = Object.assign(new Error("m".repeat(600_000)), { stack: "s".repeat(20_000) });
	const { message, stack } = errorInfo(error);
	assert.match(message, /^m{16384}… \(583616 more characters\)$/);
	assert.match(stack ?? "", /^s{16384}… \(3616 more characters\)$/);
	assert.ok(errorInfo("t".repeat(600_000)).message.length < 20_000);
});

test("attempt() returns the result, or undefined when the action throws", () => {
	assert.equal(
		attempt(() => 7),
		7,
	);
	assert.equal(
		attempt(() => {
			throw new Error("expected");
		}),
		undefined,
	);
});
