import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../src/base/errors.ts";
import { explainBadDuration, formatDuration, MAX_DURATION_MS, parseDuration, readDuration } from "../src/base/time.ts";

test("parseDuration() reads each unit, fractions, and several parts", () => {
	const durations: Record<string, number> = {
		"500ms": 500,
		"10s": 10_000,
		"2m": 120_000,
		"1h": 3_600_000,
		"1m30s": 90_000,
		"1h0m0.5s": 3_600_500,
		"1.5s": 1_500,
		"0.3s": 300,
		"1.6ms": 2,
		"0s": 0,
	};
	for (const [text, ms] of Object.entries(durations)) assert.equal(parseDuration(text), ms, text);
});

test("parseDuration() knows no bare number, other unit, sign, blank or unfinished number", () => {
	const bad = ["", "10", "10s5", "s", "-1s", "+1s", "1d", "1S", "1us"];
	const odd = [" 1s", "1s ", "1 s", "1.s", ".5s", "1e3s", "0x1s", "1s,", "∞"];
	for (const text of [...bad, ...odd]) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
});

test("parseDuration() ends where a timer of Node.js would fire at once", () => {
	assert.equal(parseDuration(`${MAX_DURATION_MS}ms`), MAX_DURATION_MS);
	assert.equal(parseDuration(`${MAX_DURATION_MS + 1}ms`), undefined);
	assert.equal(parseDuration("596h31m23.648s"), undefined);
	assert.equal(MAX_DURATION_MS, 2 ** 31 - 1);
});

test("parseDuration() has no memory of the text before", () => {
	assert.equal(parseDuration("10s!"), undefined);
	assert.equal(parseDuration("10s"), 10_000);
	assert.equal(parseDuration("10s"), 10_000);
});

test("explainBadDuration() says what was found, and whether the unit is missing", () => {
	assert.equal(explainBadDuration(10), "10 has no unit");
	assert.equal(explainBadDuration("2.5"), '"2.5" has no unit');
	assert.equal(explainBadDuration("soon"), '"soon" is not a duration');
	assert.equal(explainBadDuration("-1s"), '"-1s" is not a duration');
	assert.equal(explainBadDuration(null), "null is not a duration");
	assert.equal(explainBadDuration(undefined), "undefined is not a duration");
});

test("explainBadDuration() explains values that JSON cannot show", () => {
	const circular = {};
	Object.assign(circular, { circular });
	assert.match(explainBadDuration(10n), /^10 /);
	assert.match(explainBadDuration(circular), / is not a duration$/);
	assert.match(explainBadDuration(Number.NaN), /^NaN /);
	assert.match(explainBadDuration(Number.POSITIVE_INFINITY), /^Infinity /);
});

test("formatDuration() chooses the unit by the size of the number", () => {
	const texts: [number, string][] = [
		[0, "0 ms"],
		[349.6, "350 ms"],
		[999.4, "999 ms"],
		[1_000, "1.0 s"],
		[1_249, "1.2 s"],
		[59_900, "59.9 s"],
		[60_000, "1 m 0 s"],
		[125_400, "2 m 5 s"],
		[7_200_000, "120 m 0 s"],
	];
	for (const [ms, text] of texts) assert.equal(formatDuration(ms), text);
});

test("formatDuration() rounds up into the next unit", () => {
	assert.equal(formatDuration(999.7), "1.0 s");
	assert.equal(formatDuration(59_970), "1 m 0 s");
	assert.equal(formatDuration(119_800), "2 m 0 s");
});

test("readDuration() takes unset and empty for none", () => {
	assert.equal(readDuration("X", undefined), undefined);
	assert.equal(readDuration("X", ""), undefined);
	assert.equal(readDuration("X", "3s"), 3_000);
	assert.equal(readDuration("X", "0ms"), 0);
});

test("readDuration() names the place, what it found and what it expected", () => {
	assert.throws(
		() => readDuration("--stop-timeout", "10"),
		new UserError('Cannot use --stop-timeout: "10" has no unit, expected a duration such as "10s"'),
	);
});
