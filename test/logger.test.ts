import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, isLogged, logLine } from "../src/base/logger.ts";

const TIME = /"time":"[^"]+"/;

test("logLine() writes what pino would", () => {
	const fields = {
		event: 'with "quotes", \n and \u2028',
		none: undefined,
		nothing: null,
		endless: Number.POSITIVE_INFINITY,
		nested: { list: [1, { deep: true }], at: new Date(0), gap: undefined },
	};
	let expected = "";
	createLogger("info", {}, (line) => {
		expected = line;
	}).warn(fields, "what happened: 100 % ☎");
	const found = logLine("warn", fields, "what happened: 100 % ☎");
	assert.match(found, TIME);
	assert.equal(found.replace(TIME, ""), expected.replace(TIME, ""));
});

test("isLogged() is as strict as the least level says", () => {
	assert.equal(isLogged("info", "info"), true);
	assert.equal(isLogged("error", "info"), true);
	assert.equal(isLogged("debug", "info"), false);
	assert.equal(isLogged("fatal", "silent"), false);
});
