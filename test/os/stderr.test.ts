import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { isNonBlocking } from "../helpers/output.ts";

test("keepStderrBlocking() leaves it blocking for everybody who shares it", async () => {
	await using lastcall = await startLastcall({
		jobs: { job: { thread: fixture("waiting"), readiness: "notify" } },
		logFormat: "pretty",
	});
	await lastcall.lines.waitFor(/Job job is ready/);
	assert.equal(isNonBlocking(lastcall.pid, 2), false);
});
