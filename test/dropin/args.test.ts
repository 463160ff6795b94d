import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDumbInit } from "../../src/dropin/dumb-init.ts";
import { identify, parseRewrite, parseSignalName, type Settings } from "../../src/dropin/settings.ts";
import { parseTini } from "../../src/dropin/tini-args.ts";

function tini(line: string, env: NodeJS.ProcessEnv = {}): Settings {
	const plan = parseTini(line.split(" "), env, identify("tini"));
	if (plan.type !== "start") throw new Error(plan.stderr);
	return plan.settings;
}

test("identify() goes by the last part of the path", () => {
	assert.deepEqual(identify("/sbin/docker-init"), { name: "docker-init", style: "tini", subcommands: false });
	assert.equal(identify("/app/dist/main.cjs").subcommands, true);
	assert.equal(identify("/x/lastcall-init").style, "lastcall");
});

test("parseTini() reads clusters, and values in the same word or the next", () => {
	const found = tini("-sgvvwpSIGTERM -e 3 -e143 program -s");
	assert.equal(found.verbosity, 3);
	assert.equal(found.parentDeathSignal, 15);
	assert.deepEqual([...found.expected], [3, 143]);
	assert.deepEqual(found.command, ["program", "-s"]);
	assert.deepEqual([found.subreaper, found.warnOnReap, found.reach, found.apart], [true, true, "group", "group"]);
});

test("parseTini() takes a lone dash for a program, and all behind -- as it is", () => {
	assert.deepEqual(tini("- -g").command, ["-", "-g"]);
	assert.deepEqual(tini("-- -g").command, ["-g"]);
	assert.deepEqual(tini("-- -- x").command, ["--", "x"]);
});

test("parseTini() lets LASTCALL_ override TINI_", () => {
	const env = { LASTCALL_VERBOSITY: "0", TINI_VERBOSITY: "4" };
	assert.equal(tini("-v x", env).verbosity, 0);
	assert.equal(tini("x", { LASTCALL_SUBREAPER: "" }).subreaper, true);
	assert.equal(tini("x", { LASTCALL_STOP_TIMEOUT: "" }).stopTimeoutMs, undefined);
});

test("parseDumbInit() rewrites the terminal's stop signals in a session only", () => {
	const parse = (line: string) => {
		const plan = parseDumbInit(line.split(" "), {}, identify("dumb-init"));
		if (plan.type !== "start") throw new Error(plan.stderr);
		return [...plan.settings.rewrites];
	};
	assert.deepEqual(parse("-r 20:0 x"), [
		[20, 0],
		[21, 19],
		[22, 19],
	]);
	assert.deepEqual(parse("-c x"), []);
});

test("parseRewrite() and parseSignalName() know their limits", () => {
	assert.deepEqual(parseRewrite("31:0", 31), [31, 0]);
	for (const bad of ["32:1", "1:32", "0:1", "1", "1:", ":1", "-1:2", "1:2:3"])
		assert.equal(parseRewrite(bad, 31), undefined, bad);
	assert.equal(parseSignalName("SIGTERM"), 15);
	assert.equal(parseSignalName("TERM"), undefined);
	assert.equal(parseSignalName("toString"), undefined);
});
