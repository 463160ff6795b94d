/** A release: its steps, run for real up to where something would be published, and the workflow that runs them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse } from "yaml";
import { must, run } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import type { Sbom } from "../scripts/lib/sbom.ts";
import { findDisagreements, PLACES } from "../scripts/lib/versions.ts";
import { CleanCopy } from "./helpers/clean-copy.ts";
import { makeDirectory } from "./helpers/directory.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const { version } = JSON.parse(read("package.json"));

test("every place that has the version has the same one", () => {
	const files = [...Object.keys(PLACES), "CHANGELOG.md"];
	assert.deepEqual(findDisagreements(Object.fromEntries(files.map((file) => [file, read(file)]))), []);
});

/** scripts/node builds with it. */
const MAJOR_OF_BUILD = 26;

if (Number.parseInt(process.versions.node, 10) >= MAJOR_OF_BUILD)
	suite("the steps of a release, in clean copies of this checkout", () => {
		let copies: readonly CleanCopy[];
		before(async () => {
			copies = await Promise.all([CleanCopy.make("one"), CleanCopy.make("another, with a longer name")]);
			for (const { code, stderr } of await Promise.all(copies.map((copy) => copy.release(["package", "assets"]))))
				assert.equal(code, 0, stderr);
		});
		after(() => {
			for (const copy of copies ?? []) copy[Symbol.dispose]();
		});
		const first = () => copies[0] as CleanCopy;
		const tarballOf = (copy: CleanCopy) => join(copy.path, `assets/lastcall-${version}.tgz`);

		test("two builds give the same package, byte for byte, but for V8's bytecode", async () => {
			const [one = "", other = ""] = await Promise.all(
				copies.map(async (copy) => {
					const unpacked = join(copy.path, "unpacked");
					mkdirSync(unpacked);
					await must("tar", ["-xzf", tarballOf(copy), "-C", unpacked]);
					return join(unpacked, "package");
				}),
			);
			const files = globSync("**", { cwd: one, withFileTypes: true })
				.filter((entry) => entry.isFile())
				.map((entry) => join(entry.parentPath, entry.name).slice(one.length + 1));
			assert.ok(files.length > 30, `${files.length} files`);
			const list = async (copy: CleanCopy) => (await must("tar", ["-tzf", tarballOf(copy)])).split("\n");
			assert.deepEqual(await list(copies[1] as CleanCopy), await list(first()));
			for (const file of files.filter((file) => !file.endsWith(".bytecode"))) {
				assert.ok(readFileSync(join(one, file)).equals(readFileSync(join(other, file))), file);
				assert.equal(statSync(join(one, file)).mode, statSync(join(other, file)).mode, file);
			}
			const tarballs = await Promise.all(copies.map(packWithoutBytecode));
			assert.equal(tarballs[0], tarballs[1], "and the same archive around them");
		});

		/** The checksum of what `npm pack` makes of what is built, without the bytecode. */
		async function packWithoutBytecode(copy: CleanCopy): Promise<string> {
			const { path } = copy;
			for (const file of globSync("dist/**/*.bytecode", { cwd: path })) rmSync(join(path, file));
			const target = join(path, "without-bytecode");
			mkdirSync(target);
			await must("npm", ["pack", "--ignore-scripts", "--pack-destination", target], { cwd: path });
			return (await must("sha256sum", [join(target, `lastcall-${version}.tgz`)])).slice(0, 64);
		}

		test("nothing in the package says where it was built", async () => {
			for (const file of globSync("dist/**", { cwd: join(first().path, "unpacked/package"), withFileTypes: true }))
				if (file.isFile()) {
					const text = readFileSync(join(file.parentPath, file.name), "latin1");
					for (const { path } of copies) assert.ok(!text.includes(path), file.name);
				}
		});

		test("the SBOM has what is in dist/ and what an install brings, by its checksum, and nothing else", () => {
			const [sbom, other] = copies.map((copy): Sbom => JSON.parse(copy.read(`assets/lastcall-${version}.cdx.json`)));
			assert.ok(sbom);
			assert.deepEqual(sbom.components, other?.components, "the same sources, the same list");
			assert.deepEqual([sbom.bomFormat, sbom.specVersion], ["CycloneDX", "1.5"]);
			const { name, hashes } = sbom.metadata.component;
			const content = createHash("sha512")
				.update(readFileSync(tarballOf(first())))
				.digest("hex");
			assert.deepEqual({ name, hashes }, { name: "lastcall", hashes: [{ alg: "SHA-512", content }] });
			const refs = sbom.components.map((component) => component["bom-ref"]);
			const names = new Set(sbom.components.map(({ name }) => name));
			const lock: { packages: Record<string, { version: string; dev?: boolean }> } = JSON.parse(
				read("package-lock.json"),
			);
			for (const [path, { version, dev }] of Object.entries(lock.packages))
				if (path !== "" && !dev) assert.ok(refs.includes(`${path.replace(/.*node_modules\//, "")}@${version}`), path);
			for (const name of ["leven", "valibot", "yaml", "prom-client", "bintrees", "pino-pretty"])
				assert.ok(names.has(name), `${name}, which is inside dist/`);
			for (const name of ["typescript", "esbuild", "fast-check"]) assert.ok(!names.has(name), name);
			for (const { name, hashes, licenses } of sbom.components) assert.ok(hashes && licenses, name);
			for (const { ref, dependsOn } of sbom.dependencies)
				for (const one of [ref, ...dependsOn]) assert.ok([...refs, `lastcall@${version}`].includes(one), one);
		});

		test("SHA256SUMS is what sha256sum checks, and finds a byte that has changed", async () => {
			using directory = makeDirectory({ a: "1", b: "2" });
			const { path } = directory;
			const check = () => run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: path });
			for (const _again of [1, 2]) assert.equal((await first().release(["checksums", path])).code, 0);
			const { code, stdout } = await check();
			assert.deepEqual([code, stdout], [0, "a: OK\nb: OK\n"]);
			writeFileSync(join(path, "b"), "3");
			assert.equal((await check()).code, 1);
		});

		test("a version is cut into every place, and its tag is right only then", async () => {
			const check = async (...args: string[]) => (await first().release(["check", ...args])).stderr;
			assert.match(await check("v9.8.7"), /tag: found v9\.8\.7, expected v/);
			// As npm test may have it right after a release.
			first().replace("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- A thing.\n\n");
			assert.match(await check(`v${version}`), /found changes under "Unreleased"/);
			assert.equal((await first().release(["cut", "9.8.7"])).code, 0);
			assert.equal(await check(), "");
			assert.equal(await check("v9.8.7"), "");
			assert.match((await first().release(["notes"])).stdout, /^### Added\n\n- A thing\./);
			for (const [file, place] of Object.entries(PLACES)) {
				const text = first().read(file);
				assert.deepEqual(new Set(text.match(place)), new Set(["9.8.7"]), file);
				first().replace(file, new RegExp(place.source, "m"), "9.8.8");
				assert.match(await check(), /found 9\.8\.\d, expected 9\.8\.\d/, file);
				writeFileSync(join(first().path, file), text);
			}
		});

		test("npm's provenance needs the repository of the workflow in package.json, which is told before the release", async () => {
			const env = { GITHUB_SERVER_URL: "https://example.com", GITHUB_REPOSITORY: "owner/name" };
			const check = async () => (await first().release(["check", "v9.8.7"], { env })).stderr;
			const repository = { type: "git", url: "git+https://example.com/owner/name.git" };
			assert.match(await check(), /expected "repository": .*git\+https:\/\/example\.com\/owner\/name\.git/);
			const manifest = { ...JSON.parse(first().read("package.json")), repository };
			writeFileSync(join(first().path, "package.json"), JSON.stringify(manifest, null, "\t"));
			assert.equal(await check(), "");
		});
	});

interface Workflow {
	readonly permissions: object;
	readonly jobs: Readonly<Record<string, Job>>;
}
interface Job {
	readonly needs?: string | readonly string[];
	readonly uses?: string;
	readonly permissions?: Readonly<Record<string, string>>;
	readonly steps?: readonly Step[];
	readonly "timeout-minutes"?: number;
}
interface Step {
	readonly uses?: string;
	readonly run?: string;
	readonly with?: Readonly<Record<string, string>>;
}

const WORKFLOWS = readdirSync(join(root, ".github/workflows"));

suite("the workflows", () => {
	const text = (name: string) => read(`.github/workflows/${name}`);
	const workflow = (name: string): Workflow => parse(text(name));
	const steps = (name: string) => Object.values(workflow(name).jobs).flatMap(({ steps = [] }) => steps);

	test("run scripts that are there, by commands that these have", () => {
		const commands = read("scripts/release.ts")
			.match(/^ \* - `[a-z]+/gm)
			?.map((line) => line.slice(6));
		const found = WORKFLOWS.flatMap(steps)
			.flatMap(({ run = "" }) => [...run.matchAll(/(?<![\w"/.])\.?[\w-]+\/[\w./-]+/g)])
			.map(([path]) => path)
			.filter((path) => /^(\.ci|scripts)\//.test(path));
		assert.ok(found.length > 8, `${found}`);
		for (const path of found) {
			assert.ok(existsSync(join(root, path)), path);
			if (!path.endsWith(".ts")) assert.ok(statSync(join(root, path)).mode & 0o100, `${path} can be executed`);
		}
		const called = [
			...WORKFLOWS.map(text)
				.join("\n")
				.matchAll(/scripts\/release\.ts ([a-z]+)/g),
		].map(([, name]) => name);
		assert.deepEqual(new Set(called), new Set(commands?.filter((name) => name !== "cut")));
	});

	test("use actions by their commit alone, and wait only for jobs and artifacts that there are", () => {
		for (const name of WORKFLOWS) {
			const { jobs, permissions } = workflow(name);
			assert.ok(permissions, `${name} says what it may do`);
			const uses = [...text(name).matchAll(/uses: (\S+)(.*)/g)];
			assert.ok(uses.length > 0);
			for (const [, action = "", comment = ""] of uses)
				if (action.startsWith("./")) assert.ok(existsSync(join(root, action)), action);
				else assert.match(action + comment, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
			for (const [job, { needs = [], steps = [], uses: reused, "timeout-minutes": minutes }] of Object.entries(jobs)) {
				for (const other of [needs].flat()) assert.ok(jobs[other], `${job} needs ${other}`);
				assert.ok(reused || minutes, `${job} has a bound`);
				for (const { uses = "", with: { name, pattern = name } = {} } of steps)
					if (uses.includes("download-artifact") && pattern !== undefined)
						assert.match(text("release.yml"), new RegExp(`name: ${pattern.replace("*", ".+")}$`, "m"));
			}
		}
	});

	test("only the job that publishes may write, after everything else, and runs none of our code", () => {
		const { jobs } = workflow("release.yml");
		const { publish, ...others } = jobs;
		assert.equal(publish?.permissions?.["id-token"], "write");
		for (const [name, { permissions }] of Object.entries(others))
			assert.deepEqual(permissions, { contents: "read" }, name);
		const before = (name: string): string[] =>
			[jobs[name]?.needs ?? []].flat().flatMap((other) => [other, ...before(other)]);
		assert.deepEqual(new Set(before("publish")), new Set(Object.keys(others)));
		assert.ok(!publish?.steps?.some(({ uses, run }) => /checkout|scripts\//.test(`${uses} ${run}`)));
		assert.match(text("release.yml"), /npm publish .*\.tgz" --provenance/);
	});
});

test("the issue templates are forms, and ask for what an answer needs", () => {
	const folder = ".github/ISSUE_TEMPLATE";
	const asked = (name: string) => {
		const { body }: { body: { id: string; validations?: { required: boolean } }[] } = parse(read(`${folder}/${name}`));
		return body.filter(({ validations }) => validations?.required).map(({ id }) => id);
	};
	assert.deepEqual(asked("bug.yml"), ["what", "check", "report", "versions"]);
	assert.deepEqual(asked("feature.yml"), ["stop", "today"]);
});
