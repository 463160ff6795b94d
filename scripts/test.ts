/**
 * `npm test`: types, linter, build, the unit tests on Node.js 26, and those of what differs there on Node.js 24. The container tests
 * follow where an engine answers or may be started. What is left out is said at the end, with the reason.
 * `npm run test:all`, and CI: everything, in containers on an engine that is installed if need be.
 * `npm run test:faults`: the faults alone, at full length.
 *
 * Set-up comes before the tests: no test installs anything into this tree. Everything runs even if something failed; the exit code tells.
 * Arguments: parts of test file names to run only those, and flags for `node --test`.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { installPeers } from "../bench/peers/install.ts";
import {
	type BaseImage,
	type Engine,
	engineEnv,
	ensureAlpineImage,
	ensureBaseImage,
	ensureDebianImage,
	type NoEngine,
	withEngine,
} from "./engine.ts";
import { inCi } from "./lib/allowed.ts";
import { run } from "./lib/command.ts";
import { cleanUp } from "./lib/interruption.ts";
import { EngineBefore } from "./lib/left-in-engine.ts";
import { removeDirectory } from "./lib/mounts.ts";
import { ensureMuslNode, hasMuslNode, muslNode } from "./lib/musl.ts";
import { ensureOldLibc } from "./lib/old-libc.ts";
import { checkoutId, root } from "./lib/paths.ts";
import { runScript } from "./lib/script.ts";
import { Steps } from "./lib/steps.ts";
import { NOTHING_OF_THE_MACHINE } from "./lib/test-env.ts";
import { findTestFiles, runsOnMusl } from "./lib/test-files.ts";
import { readTestRecords } from "./lib/test-reporter.ts";
import { ensureArm64Node, ensureManagers, ensureOlderNodes, ensureRecipes, nodeBinary } from "./lib/toolchain.ts";
import { ensureTools } from "./lib/tools.ts";

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith("-"));
const filters = args.filter((arg) => !arg.startsWith("-"));

/** In CI nothing is left out, nor for a person who has said what to run. */
const everything = inCi() || filters.length > 0;

const { unit, differing, container, faults } = findTestFiles(filters);
if (unit.length + container.length + faults.length === 0) {
	console.error(
		`Found no test file under test/ whose name has ${filters.map((part) => `"${part}"`).join(" or ") || "the form *.test.ts"}`,
	);
	process.exit(2);
}

const steps = new Steps();
const bin = join(root, "node_modules/.bin");
await runScript(async () => {
	await steps.run("types", join(bin, "tsc"), ["--noEmit"]);
	await steps.run("linter and formatter", join(bin, "biome"), [
		"ci",
		// Biome colours its output in CI even where no terminal shows it.
		...(process.stdout.isTTY ? [] : ["--colors=off"]),
	]);
	const built = await steps.run("build", process.execPath, ["scripts/build.ts"]);
	const olderNodes = await setUp("Node.js 24, 22 and 20", ensureOlderNodes);
	await setUp("Node.js for arm64", ensureArm64Node);
	await setUp("pnpm and yarn", ensureManagers);
	await setUp("an old C library", ensureOldLibc);
	await setUp("programs that tests compare with", ensureTools);
	// Made with the gcc of before.
	await setUp("Node.js on musl", ensureMuslNode);
	if (inCi()) await setUp("packages of the benchmark", installPeers);
	if (everything && faults.length > 0) await setUp("packages of docs/recipes.md", ensureRecipes);
	if (built) {
		await unitTests(olderNodes);
		await engineTests();
	}
	return steps.summarize();
});

/** On a user's machine a part may be missing: tests say what they lack. In CI that is a failure. */
async function setUp(what: string, action: () => Promise<void>): Promise<boolean> {
	try {
		await steps.setUp(action);
		return true;
	} catch (error) {
		leaveOut(`set-up: ${what}`, error);
		return false;
	}
}

async function unitTests(olderNodes: boolean): Promise<void> {
	// One more than processors: in each file most of the time is spent waiting.
	const concurrency = `--test-concurrency=${availableParallelism() + 1}`;
	const options = [concurrency, "--test-timeout=300000"];
	const on24 = everything ? unit : differing;
	await nodeTest("tests on Node.js 26", process.execPath, options, 20, unit);
	if (olderNodes) await nodeTest("tests on Node.js 24", nodeBinary(24), options, 20, on24);
	const onMusl = unit.filter(runsOnMusl);
	if (hasMuslNode()) await nodeTest("tests on musl", muslNode, options, 20, onMusl);
	else if (onMusl.length > 0 && process.arch === "x64")
		leaveOut("the tests on musl", "not made: Node.js on musl (LASTCALL_ENGINE=install npm test makes it)");
	const others = unit.length - on24.length;
	if (others > 0)
		steps.leaveOut(
			`${others} of ${unit.length} files with unit tests, on Node.js 24`,
			"What they test does not differ there; npm run test:all runs them",
		);
}

async function engineTests(): Promise<void> {
	const chosen = everything ? faults : [];
	if (chosen.length < faults.length) steps.leaveOut("the faults", "npm run test:all runs them");
	if (container.length + chosen.length === 0 || steps.interrupted) return;
	const what = `the ${[container.length > 0 && "container tests", chosen.length > 0 && "faults"].filter(Boolean).join(" and the ")}`;
	try {
		await withEngine((engine) => engineTestsOn(engine, what, chosen));
	} catch (error) {
		leaveOut(what, error);
	}
}

async function engineTestsOn(engine: Engine | NoEngine, what: string, chosen: readonly string[]): Promise<void> {
	if ("reason" in engine) {
		leaveOut(what, engine.reason);
		return;
	}
	const before = await EngineBefore.note(engine);
	const images: BaseImage[] = [];
	let alpine: BaseImage | undefined;
	try {
		await steps.setUp(async () => {
			// One after the other: the Node.js images are made of the Debian one.
			images.push(await ensureDebianImage(engine));
			images.push(await ensureBaseImage(engine, 26));
			images.push(await ensureBaseImage(engine, 24));
			alpine = await ensureAlpineImage(engine);
			if (alpine) images.push(alpine);
		});
		const env = { ...engineEnv(engine), LASTCALL_DOCKER: engine.client, LASTCALL_ALPINE: alpine && "true" };
		for (const [name, ofOne, ofAll, files] of [
			["container tests", 15, 30, container],
			["faults", 60, 180, chosen],
		] as const) {
			// One file at a time: the tests share an engine, and some of them all of the machine.
			const timeout = `--test-timeout=${ofOne * 60_000}`;
			const options = ["--test-concurrency=1", timeout];
			await nodeTest(name, process.execPath, options, ofAll, files, env);
		}
		// At full length the faults have left new figures.
		if (process.env.LASTCALL_FAULTS === "full") await steps.run("figures", process.execPath, ["bench/render/page.ts"]);
	} finally {
		if (!engine.started) {
			await before.restore(steps.id);
			await cleanUp(() => removeImages(engine, images));
		}
	}
}

/** From the user's own engine; the private one is a cache. */
async function removeImages(engine: Engine, images: BaseImage[]) {
	if (engine.private) return;
	const added = images
		.filter(({ origin }) => origin !== "present")
		.map(({ name }) => name)
		.reverse();
	for (const name of [...(await testImages(engine)), ...added]) {
		const { code, stderr } = await run(engine.client, ["rmi", name]);
		if (code !== 0) {
			console.error(`Cannot remove the image ${name} again: ${stderr}`);
		}
	}
}

/** What the tests have built: test/helpers/images.ts names them so. */
async function testImages(engine: Engine): Promise<string[]> {
	const format = ["--format", "{{.Repository}}:{{.Tag}}"];
	const filter = ["--filter", `reference=lastcall-test-${checkoutId}/*`];
	const { stdout } = await run(engine.client, ["images", ...filter, ...format]);
	return stdout.split("\n").filter((name) => name !== "");
}

/** @param minutes Bound of the whole step. */
async function nodeTest(
	name: string,
	node: string,
	options: readonly string[],
	minutes: number,
	files: readonly string[],
	env?: NodeJS.ProcessEnv,
): Promise<void> {
	if (files.length === 0) return;
	const directory = mkdtempSync(join(tmpdir(), "lastcall-tests-"));
	// Tests kill processes before they could tidy up; what these leave goes with the folder. Other users' processes write there too.
	chmodSync(directory, 0o1777);
	const records = join(directory, "records");
	const all = [
		"--disable-warning=ExperimentalWarning",
		`--import=${join(root, "scripts/lib/compile-cache.js")}`,
		"--test",
		...["--test-reporter=spec", "--test-reporter-destination=stdout"],
		`--test-reporter=${join(root, "scripts/lib/test-reporter.ts")}`,
		`--test-reporter-destination=${records}`,
		...options,
		...flags,
		...files,
	];
	const clean = { ...NOTHING_OF_THE_MACHINE, ...env, TMPDIR: directory };
	await steps.run(name, node, all, clean, minutes);
	if (existsSync(records)) explain(name, readFileSync(records, "utf8"));
	try {
		await removeDirectory(directory);
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
	}
}

function explain(name: string, text: string): void {
	const records = readTestRecords(text);
	const failed = records.filter((record) => record.type === "failed");
	if (failed.length > 0) steps.explain(failed.map(({ text }) => text).join(""));
	const skipped = records.filter((record) => record.type === "skipped");
	for (const [why, tests = []] of Object.entries(Object.groupBy(skipped, ({ why }) => why)))
		leaveOut(`${tests.length} of the ${name}`, why);
}

/** On a user's machine a part may be missing, and is named at the end; in CI that is a failure. */
function leaveOut(what: string, why: unknown): void {
	steps.leaveOut(what, why instanceof Error ? why.message : String(why), { failed: inCi() });
}
