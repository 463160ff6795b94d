import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/lib/paths.ts";
import { renderPage } from "../../scripts/rehearsed.ts";

test("docs/rehearsed.md has the table that docs/rehearsed.json gives", () => {
	const page = readFileSync(join(root, "docs/rehearsed.md"), "utf8");
	assert.equal(page, renderPage(), "scripts/node scripts/rehearsed.ts writes it");
});
