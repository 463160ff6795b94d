import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { LOG_LEVELS } from "../../src/base/logger.ts";
import { resolveLogSettings } from "../../src/service/settings.ts";

const configured = { level: "warn", format: "json" } as const;
const unset = { level: "info", format: undefined } as const;

test("resolveLogSettings() lets the variables go before the configuration", () => {
	const env = { LASTCALL_LOG_LEVEL: "debug", LASTCALL_LOG_FORMAT: "pretty" };
	assert.deepEqual(resolveLogSettings(env, configured, false), {
		level: "debug",
		format: "pretty",
		hasColors: false,
		isTerminal: false,
	});
	const onTerminal = { ...configured, hasColors: true, isTerminal: true };
	assert.deepEqual(resolveLogSettings({ TERM: "xterm" }, configured, true), onTerminal);
});

test("resolveLogSettings() is pretty on a terminal, and json elsewhere, unless told", () => {
	assert.equal(resolveLogSettings({}, unset, true).format, "pretty");
	assert.equal(resolveLogSettings({}, unset, false).format, "json");
	const pretty = { ...unset, format: "pretty" } as const;
	assert.equal(resolveLogSettings({}, pretty, false).format, "pretty");
});

test("resolveLogSettings() takes an empty variable for unset", () => {
	const empty = { LASTCALL_LOG_LEVEL: "", LASTCALL_LOG_FORMAT: "", TERM: "xterm" };
	const onTerminal = { ...configured, hasColors: true, isTerminal: true };
	assert.deepEqual(resolveLogSettings(empty, configured, true), onTerminal);
});

test("resolveLogSettings() has colours on a terminal that knows them, unless the user wants otherwise", () => {
	for (const [env, isTerminal, expected] of [
		[{ TERM: "xterm" }, true, true],
		[{ TERM: "xterm" }, false, false],
		[{ TERM: "dumb" }, true, false],
		[{ TERM: "xterm", NO_COLOR: "1" }, true, false],
		[{ TERM: "xterm", FORCE_COLOR: "0" }, true, false],
		[{ TERM: "dumb", FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
	] as const)
		assert.equal(resolveLogSettings(env, unset, isTerminal).hasColors, expected, JSON.stringify(env));
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
