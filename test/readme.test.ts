/** README.md, run as it is written, in a project of `npm init -y` that has the package. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { must } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { namespace } from "./helpers/lastcall.ts";
import { PackageProject } from "./helpers/package.ts";
import { freePort } from "./helpers/ports.ts";
import { key, openPty, type Pty } from "./helpers/pty.ts";
import { readmeBlocks, readmeFiles } from "./helpers/readme.ts";

let project: PackageProject;
/** In place of README.md's 8080, which may be in use here. */
let port: number;
before(
	async () => {
		port = await freePort();
		const files = Object.entries(readmeFiles()).map(([name, text]) => [name, text.replaceAll("8080", `${port}`)]);
		project = await PackageProject.install(Object.fromEntries(files));
	},
	{ timeout: 240_000 },
);
after(() => project?.[Symbol.dispose]());

test("README.md says how to install the package before anything else", () => {
	assert.equal(readmeBlocks("sh")[0], "npm install lastcall\n");
});

test("README.md is a page of at most 140 lines, with the two commands for contributors in its first screen", () => {
	const lines = readFileSync(join(root, "README.md"), "utf8").trimEnd().split("\n");
	assert.ok(lines.length <= 140, `${lines.length} lines`);
	assert.match(lines.slice(0, 20).join("\n"), /[Cc]ontributors.*`npm start`.*`npm test`/);
});

test("README.md shows a service of three files, and an image", () => {
	assert.deepEqual(Object.keys(readmeFiles()), ["lastcall.config.mts", "jobs/mailer.mts", "server.mjs", "Dockerfile"]);
});

test("lastcall check finds README.md's service fine", async () => {
	const { code, stdout } = await project.run("npx", ["lastcall", "check"]);
	assert.equal(code, 0);
	assert.match(stdout, /lastcall\.config\.mts is fine$/m);
});

test("README.md's service runs and stops in a container as README.md shows it, and loses no mail", async () => {
	const [sample = ""] = readmeBlocks("text");
	const [unshare = "", ...flags] = namespace();
	const lastcall = join(project.path, "node_modules/.bin/lastcall");
	await runsAs(sample, [unshare, ...flags, lastcall, "run"], ({ pid }) => {
		const init = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
		process.kill(Number.parseInt(init, 10), "SIGTERM");
	});
});

test("README.md's service runs by npx, and Ctrl-C stops it in the same way", async () => {
	const [sample = ""] = readmeBlocks("text");
	const elsewhere = sample.replace("the container's init", "a child subreaper").replaceAll("SIGTERM", "SIGINT");
	await runsAs(elsewhere, ["npx", "lastcall", "run"], (terminal) => terminal.type(key.ctrlC));
});

async function runsAs(sample: string, [command = "", ...args]: readonly string[], stop: (terminal: Pty) => void) {
	// The outbox of this test alone.
	using temporary = makeDirectory();
	await using terminal = openPty(command, args, {
		cwd: project.path,
		env: {
			...project.env,
			TMPDIR: temporary.path,
			LASTCALL_SOCKET: join(temporary.path, "lastcall.sock"),
			// npx draws while it looks for the program.
			npm_config_progress: "false",
		},
	});
	await terminal.lines.waitFor(/Job web is ready/);
	const url = `http://127.0.0.1:${port}/`;
	const answer = await fetch(url, { method: "POST", body: "Hello" });
	assert.equal(await answer.text(), "Thank you\n");
	stop(terminal);
	const { code } = await terminal.exit();
	assert.equal(code, 0, terminal.lines.text);

	const printed = terminal.lines.all.filter((line) => line !== "");
	const shown = sample.trimEnd().split("\n");
	// The mailer may have sent the mail before the stop: the order of all lines is not the same each time.
	assert.deepEqual(withoutFigures(printed).sort(), withoutFigures(shown).sort());
	const placeOf = (text: string) => withoutFigures(printed).findIndex((line) => line.includes(text));
	const order = ["Job web exited", "mailer | closed", "Exiting"].map(placeOf);
	assert.deepEqual(
		order,
		order.toSorted((a, b) => a - b),
	);
}

test("README.md's TypeScript has the types that the package declares", async () => {
	const tsc = join(import.meta.dirname, "../node_modules/.bin/tsc");
	const types = join(import.meta.dirname, "../node_modules/@types");
	const options = ["--strict", "--noEmit", "--skipLibCheck"];
	const target = ["--target", "es2024", "--module", "nodenext"];
	const found = ["--types", "node", "--typeRoots", types];
	const files = Object.keys(readmeFiles()).filter((name) => name.endsWith(".mts"));
	await must(tsc, [...options, ...target, ...found, ...files], { cwd: project.path });
});

/** What differs from run to run: times, pids, durations and how long the bars of the timeline are. */
function withoutFigures(lines: readonly string[]): string[] {
	return lines.map((line) =>
		line
			.replace("^C", "")
			// biome-ignore lint/suspicious/noControlCharactersInRegex: colours
			.replaceAll(/\x1b\[\d+m/g, "")
			.replaceAll(/\d+(\.\d+)?( (ms|s)\b)?/g, "N")
			.replaceAll(/[━╸ ]+/g, " ")
			.trim(),
	);
}
