import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { LOG_LEVELS } from "../../src/base/logger.ts";
import { resolveLogSettings } from "../../src/service/settings.ts";

const configured = { level: "warn", format: "json" } as const;
const unset = { level: "info", format: undefined } as const;

test("resolveLogSettings() lets the variables go before the configuration", () => {
	const env = { LASTCALL_LOG_LEVEL: "debug", LASTCALL_LOG_FORMAT: "pretty" };
	assert.deepEqual(resolveLogSettings(env, configured, false), { level: "debug", format: "pretty", isTerminal: false });
	const onTerminal = { ...configured, isTerminal: true };
	assert.deepEqual(resolveLogSettings({}, configured, true), onTerminal);
});

test("resolveLogSettings() is pretty on a terminal, and json elsewhere, unless told", () => {
	assert.equal(resolveLogSettings({}, unset, true).format, "pretty");
	assert.equal(resolveLogSettings({}, unset, false).format, "json");
	const pretty = { ...unset, format: "pretty" } as const;
	assert.equal(resolveLogSettings({}, pretty, false).format, "pretty");
});

test("resolveLogSettings() takes an empty variable for unset", () => {
	const empty = { LASTCALL_LOG_LEVEL: "", LASTCALL_LOG_FORMAT: "" };
	const onTerminal = { ...configured, isTerminal: true };
	assert.deepEqual(resolveLogSettings(empty, configured, true), onTerminal);
});

test("resolveLogSettings() knows every level of pino, and silent", () => {
	for (const level of LOG_LEVELS) {
		const env = { LASTCALL_LOG_LEVEL: level };
		assert.equal(resolveLogSettings(env, unset, false).level, level);
	}
	assert.equal(LOG_LEVELS.length, 7);
});

test("resolveLogSettings() refuses other words, with those it knows", () => {
	assert.throws(
		() => resolveLogSettings({ LASTCALL_LOG_LEVEL: "INFO" }, unset, false),
		new UserError(
			'Cannot use LASTCALL_LOG_LEVEL: found "INFO", expected one of trace, debug, info, warn, error, fatal, silent',
		),
	);
	assert.throws(
		() => resolveLogSettings({ LASTCALL_LOG_FORMAT: "text" }, unset, false),
		new UserError('Cannot use LASTCALL_LOG_FORMAT: found "text", expected one of json, pretty'),
	);
});
