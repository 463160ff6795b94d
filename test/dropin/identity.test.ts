import assert from "node:assert/strict";
import { test } from "node:test";
import { identify } from "../../src/dropin/settings.ts";

test("identify() knows our names, and takes every other for lastcall", () => {
	assert.equal(identify("/sbin/tini").style, "tini");
	assert.equal(identify("/usr/bin/dumb-init").style, "dumb-init");
	for (const name of ["main.cjs", "", "constructor", "__proto__", "toString"])
		assert.deepEqual(identify(`/bin/${name}`), { name: "lastcall", style: "lastcall", subcommands: true });
});
