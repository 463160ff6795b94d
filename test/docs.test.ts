/** The pages of docs/, and those at the root: their links lead somewhere, and lastcall accepts their configurations. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { run } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { MAIN } from "./helpers/main.ts";

const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const paths = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...pages.map((name) => `docs/${name}`)];

/** The files that the configurations name. */
const FUNCTIONS = ["upload.mts", "report.mts", "jobs/mailer.ts", "jobs/mailer.mts"];
const THREADS = FUNCTIONS.map((name) => [name, "export default () => {};\n"]);
const SCRIPTS = [
	"server.js",
	"server.mjs",
	"migrate.js",
	"migrate.mjs",
	"mail.js",
	"report.js",
	"sync.js",
	"dist/main.js",
];
const PROGRAMS = SCRIPTS.map((name) => [name, ""]);
const VARIABLES = [".env", "run/secrets/db"].map((name) => [name, ""]);

for (const path of paths) {
	const text = readFileSync(join(root, path), "utf8");

	test(`every link of ${path} leads to a file, and to a heading in it`, () => {
		const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
		for (const [link, file = "", heading] of links) {
			const target = file === "" ? join(root, path) : join(root, dirname(path), file);
			assert.ok(existsSync(target), link);
			if (heading !== undefined) assert.ok(anchorsOf(target).includes(heading), link);
		}
	});

	const configurations = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = ""]) => block).filter(hasJobs);
	if (configurations.length > 0)
		test(`lastcall check finds the configurations of ${path} fine`, async () => {
			for (const configuration of configurations) {
				const here = configuration.replaceAll("/run/secrets/", "run/secrets/");
				const files = [...THREADS, ...PROGRAMS, ...VARIABLES, ["lastcall.config.yaml", here]];
				using project = makeDirectory(Object.fromEntries(files));
				const { code, stdout, stderr } = await run(process.execPath, [MAIN, "check"], { cwd: project.path });
				assert.match(stdout, /^.*lastcall\.config\.yaml is fine$/m, configuration + stderr);
				assert.equal(code, 0);
			}
		});
}

test("README.md links to every page, itself or by a page that it links to", () => {
	const seen = new Set(["README.md"]);
	for (const path of seen) {
		const text = readFileSync(join(root, path), "utf8");
		for (const [, file = ""] of text.matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g))
			seen.add(relative(root, join(root, dirname(path), file)));
	}
	assert.deepEqual(
		paths.filter((path) => !seen.has(path)),
		[],
	);
});

function hasJobs(block: string): boolean {
	return /^jobs:/m.test(block);
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(path: string): string[] {
	const headings = readFileSync(path, "utf8").matchAll(/^#+ (.+)$/gm);
	return [...headings].map(([, heading = ""]) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
			.replaceAll(" ", "-"),
	);
}
