/**
 * `npm test`: types, linter, build, unit tests on Node.js 26 and 24, then the container tests and the faults
 * if an engine may be had. `npm run test:faults`: the faults alone, at full length. Everything runs even if something failed; the exit code tells.
 * Arguments: parts of test file names to run only those, and flags for `node --test`.
 */
import {
	chmodSync,
	existsSync,
	globSync,
	mkdtempSync,
	readFileSync,
	rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type BaseImage,
	type Engine,
	engineEnv,
	ensureBaseImage,
	ensureDebianImage,
	ensureEngine,
	stopEngine,
} from "./engine.ts";
import { inCi } from "./lib/allowed.ts";
import { run } from "./lib/command.ts";
import { root } from "./lib/paths.ts";
import { Steps } from "./lib/steps.ts";
import { ensureToolchain, nodeBinary } from "./lib/toolchain.ts";
import { ensureTools } from "./lib/tools.ts";

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith("-"));
const filters = args.filter((arg) => !arg.startsWith("-"));

const steps = new Steps();
const files = globSync("test/**/*.test.ts", { cwd: root })
	.filter(
		(file) =>
			filters.length === 0 || filters.some((part) => file.includes(part)),
	)
	.sort();
const containerFiles = files.filter((file) =>
	file.startsWith("test/container/"),
);
const faultFiles = files.filter((file) => file.startsWith("test/faults/"));
const engineFiles = [...containerFiles, ...faultFiles];
const unitFiles = files.filter((file) => !engineFiles.includes(file));

if (files.length === 0) {
	console.error(
		`Found no test file under test/ whose name has ${filters.map((part) => `"${part}"`).join(" or ") || "the form *.test.ts"}`,
	);
	process.exit(2);
}

const bin = join(root, "node_modules/.bin");
await steps.run("types", join(bin, "tsc"), ["--noEmit"]);
await steps.run("linter and formatter", join(bin, "biome"), [
	"ci",
	// Biome colours its output in CI even where no terminal shows it.
	...(process.stdout.isTTY ? [] : ["--colors=off"]),
]);
await ensureTools();
const built = await steps.run("build", process.execPath, ["scripts/build.ts"]);
if (built) {
	await unitTests();
	if (engineFiles.length > 0) await containerTests();
}
process.exitCode = steps.summarize();

async function unitTests(): Promise<void> {
	if (unitFiles.length === 0) return;
	const options = ["--test-concurrency=2", "--test-timeout=300000"];
	await nodeTest("tests on Node.js 26", process.execPath, options, unitFiles);
	try {
		await ensureToolchain();
		await nodeTest("tests on Node.js 24", nodeBinary(24), options, unitFiles);
	} catch (error) {
		leaveOut("the tests on Node.js 24", error);
	}
}

async function containerTests(): Promise<void> {
	if (steps.interrupted) return;
	const engine = await ensureEngine();
	if ("reason" in engine) {
		leaveOut("the container tests and the faults", engine.reason);
		return;
	}
	const images: BaseImage[] = [];
	try {
		// One after the other: the Node.js images are made of the Debian one.
		images.push(await ensureDebianImage(engine));
		images.push(await ensureBaseImage(engine, 26));
		images.push(await ensureBaseImage(engine, 24));
		const env = { ...engineEnv(engine), LASTCALL_DOCKER: engine.client };
		for (const [name, minutes, some] of [
			["container tests", 15, containerFiles],
			["faults", 60, faultFiles],
		] as const) {
			if (some.length === 0) continue;
			// One test at a time: they measure how long containers take to stop.
			const timeout = `--test-timeout=${minutes * 60_000}`;
			const options = ["--test-concurrency=1", timeout];
			await nodeTest(name, process.execPath, options, some, env);
		}
		// At full length the faults have left new figures.
		if (process.env.LASTCALL_FAULTS === "full")
			await steps.run("figures", process.execPath, ["bench/render/page.ts"]);
	} catch (error) {
		leaveOut("the container tests and the faults", error);
	} finally {
		await leaveAsItWas(engine, images);
	}
}

async function leaveAsItWas(engine: Engine, images: BaseImage[]) {
	if (engine.private) {
		if (engine.started) await stopEngine();
		return;
	}
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
	const filter = ["--filter", "reference=lastcall-test-*/*"];
	const { stdout } = await run(engine.client, ["images", ...filter, ...format]);
	return stdout.split("\n").filter((name) => name !== "");
}

async function nodeTest(
	name: string,
	node: string,
	options: string[],
	testFiles: string[],
	env?: NodeJS.ProcessEnv,
): Promise<void> {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-tests-"));
	// Tests kill processes before they could tidy up; what these leave goes with the folder. Other users' processes write there too.
	chmodSync(directory, 0o1777);
	const failed = join(directory, "failed");
	const all = [
		"--disable-warning=ExperimentalWarning",
		"--test",
		...["--test-reporter=spec", "--test-reporter-destination=stdout"],
		`--test-reporter=${join(root, "scripts/lib/failed-tests.ts")}`,
		`--test-reporter-destination=${failed}`,
		...options,
		...flags,
		...testFiles,
	];
	const ok = await steps.run(name, node, all, { ...env, TMPDIR: directory });
	if (!ok && existsSync(failed)) steps.explain(readFileSync(failed, "utf8"));
	rmSync(directory, { recursive: true, force: true });
}

/** On a user's machine a part may be missing, and is named at the end; in CI that is a failure. */
function leaveOut(what: string, why: unknown): void {
	steps.leaveOut(what, why instanceof Error ? why.message : String(why), {
		failed: inCi(),
	});
}
