/** The three ways in, each with something to do, in a container whose surroundings a test makes hostile. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { attempt } from "../../src/base/errors.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";
import { type Container, containerName, mustDocker, runContainer } from "./docker.ts";
import { FULL, keepFigures } from "./figures.ts";
import { fixtureImage } from "./images.ts";
import { until } from "./until.ts";

/** Versions of Node.js: node:ffi is the binding of one, koffi the other's. */
export const MAJORS = FULL ? ([26, 24] as const) : ([26] as const);

export const MAIN = ["node", "/app/node_modules/lastcall/dist/main.cjs"];
export const REGISTERED = ["node", "--import", "lastcall/register"];

interface Way {
	readonly command: readonly string[];
	/** Who notes that it runs, and that it was stopped cleanly. Each leaves orphans behind. */
	readonly parts: readonly string[];
}

const WAYS = {
	run: { command: [...MAIN, "run", "configs/noting.json"], parts: ["thread", "process", "logged"] },
	tini: { command: [...MAIN, "--", "sh", "programs/noting.sh", "program"], parts: ["program"] },
	register: { command: [...REGISTERED, "apps/noting.ts"], parts: ["app"] },
} satisfies Readonly<Record<string, Way>>;

export type WayName = keyof typeof WAYS;
export const ALL_WAYS: readonly WayName[] = ["run", "tini", "register"];

/** All but the flags are shell: `BEFORE; exec PREFIX COMMAND REDIRECT`, so that the command takes the shell's place. */
export interface Surroundings {
	/** Of `docker run`. */
	readonly flags?: readonly string[];
	readonly before?: string;
	readonly prefix?: string;
	readonly redirect?: string;
}

/** What a shell in the container needs to mount something. No capability is left for others if `prefix` drops it. */
export const MAY_MOUNT = [
	"--user=0",
	"--cap-add=SYS_ADMIN",
	"--security-opt=systempaths=unconfined",
	"--security-opt=seccomp=unconfined",
	"--security-opt=apparmor=unconfined",
];

/** Use with `await using`. */
export class Walled implements AsyncDisposable {
	readonly container: Container;
	readonly #notes: TestDirectory;
	readonly #parts: readonly string[];
	readonly #image: string;

	constructor(container: Container, notes: TestDirectory, parts: readonly string[], image: string) {
		this.container = container;
		this.#notes = notes;
		this.#parts = parts;
		this.#image = image;
	}

	/** The lines that a part has noted. */
	notes(part: string): string[] {
		const text = attempt(() => readFileSync(join(this.#notes.path, part), "utf8"));
		return text?.trimEnd().split("\n") ?? [];
	}

	async untilRunning(parts = this.#parts): Promise<void> {
		await until(
			async () => {
				if (parts.every((part) => this.notes(part).length > 0)) return true;
				const { Running, ExitCode } = (await this.container.inspect()).State;
				if (Running) return false;
				const { stdout, stderr } = await this.container.logs();
				throw new Error(`It has ended with ${ExitCode} before it ran:\n${stdout}${stderr}`);
			},
			`${parts} run`,
			60_000,
		);
	}

	/**
	 * Waits until no zombie is left, from a container beside it: its own /proc may be hidden.
	 *
	 * @param parent Only this one's children. @default everybody's
	 */
	async untilNoZombies(parent: number | "[0-9]+" = "[0-9]+"): Promise<void> {
		const count = `grep -lE '\\) Z ${parent} ' /proc/[0-9]*/stat 2>/dev/null | wc -l`;
		const left = await mustDocker([
			...["run", "--rm", `--name=${containerName()}`],
			...["--network=none", "--entrypoint=sh"],
			...[`--pid=container:${this.container.name}`, this.#image, "-c"],
			`for i in $(seq 150); do n=$(${count}); [ $n = 0 ] && break; sleep 0.1; done; echo $n`,
		]);
		assert.equal(left, "0", "zombies are left");
	}

	/** `docker stop`: its exit code, and how long it took. */
	async stop(seconds = 10): Promise<{ code: number; ms: number }> {
		const { ms } = await this.container.stop(seconds);
		return { code: await this.container.exitCode(), ms };
	}

	assertCleanShutdown(parts = this.#parts): void {
		for (const part of parts) assert.equal(this.notes(part).at(-1), "clean shutdown", part);
	}

	/** Standard output and error. */
	async output(): Promise<string> {
		const { stdout, stderr } = await this.container.logs();
		return stdout + stderr;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.container.remove();
		this.#notes[Symbol.dispose]();
	}
}

const images = new Map<24 | 26, Promise<string>>();

/** Built once in each test file: to find that nothing has changed takes seconds, too. */
function imageOf(major: 24 | 26): Promise<string> {
	const known = images.get(major);
	if (known) return known;
	const image = fixtureImage(major);
	images.set(major, image);
	return image;
}

/** Starts any command in surroundings; it may make notes in $NOTES. */
export async function startCommand(
	command: readonly string[],
	surroundings: Surroundings = {},
	{ major = 26 as 24 | 26, parts = [] as readonly string[] } = {},
): Promise<Walled> {
	const image = await imageOf(major);
	const { flags = [], before = ":", prefix = "", redirect = "" } = surroundings;
	const notes = makeDirectory();
	chmodSync(notes.path, 0o777);
	const script = `${before}; exec ${prefix} "$@" ${redirect}`;
	try {
		const container = await runContainer({
			image,
			flags: ["--entrypoint=sh", `--volume=${notes.path}:/notes`, "--env=NOTES=/notes", ...flags],
			args: ["-c", script, "sh", ...command],
		});
		return new Walled(container, notes, parts, image);
	} catch (error) {
		notes[Symbol.dispose]();
		throw error;
	}
}

export function startWay(way: WayName, surroundings: Surroundings = {}, major: 24 | 26 = 26): Promise<Walled> {
	const { command, parts } = WAYS[way];
	return startCommand(command, surroundings, { major, parts });
}

/** Nowhere near the 10 s after which the engine kills. */
export const PROMPT_MS = 5_000;

/** Stops it, which has to end with 0, in time, with everybody's clean shutdown code run. */
export async function stopsCleanly(test: TestContext, what: string, walled: Walled): Promise<void> {
	const { code, ms } = await walled.stop();
	assert.equal(code, 0, await walled.output());
	walled.assertCleanShutdown();
	assert.ok(ms < PROMPT_MS, `took ${ms} ms`);
	keepFigures(test, "hostile surroundings", what, { "docker stop, ms": Math.round(ms) });
}

/** Starts a way in; everybody runs, no orphan stays a zombie, and it stops cleanly. Returns all it has printed. */
export async function holdsUp(
	test: TestContext,
	what: string,
	way: WayName,
	surroundings: Surroundings,
	major: 24 | 26 = 26,
): Promise<string> {
	await using walled = await startWay(way, surroundings, major);
	await walled.untilRunning();
	await walled.untilNoZombies();
	await stopsCleanly(test, `${what}: ${way}, Node.js ${major}`, walled);
	return await walled.output();
}
