/** A configuration in a container of its own, with what its jobs run: test/fixtures is /fixtures there. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../src/observe/status.ts";
import type { Event } from "../../src/supervisor/events.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";
import { Container, type ContainerInfo, runContainer } from "./docker.ts";
import { parseEvents } from "./events.ts";
import { exampleImage } from "./images.ts";
import { until } from "./until.ts";

export interface ServiceOptions {
	/** Further flags of `docker run`. */
	readonly flags?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** @default "none" */
	readonly network?: string;
	/** @default the image as users build it */
	readonly image?: string;
}

/** The command that runs a program of test/fixtures/programs there. */
export function programThere(
	interpreter: "node" | "perl" | "sh",
	file: string,
	...args: (string | number)[]
): string[] {
	return [interpreter, `/fixtures/programs/${file}`, ...args.map(String)];
}

/** A job of test/fixtures/jobs there. */
export function jobThere(name: string): string {
	return `/fixtures/jobs/${name}.ts`;
}

/**
 * Starts it. Use with `await using`: the container is removed at the end of the block. What threads print is passed on as
 * it is, unless the configuration has an `output`, be it undefined.
 */
export async function startService(
	config: object,
	{ flags = [], env = {}, network = "none", image }: ServiceOptions = {},
): Promise<Service> {
	const directory = makeDirectory({ "lastcall.config.json": JSON.stringify({ output: "inherit", ...config }) });
	try {
		// The image's user is not root.
		chmodSync(directory.path, 0o755);
		const container = await runContainer({
			image: image ?? (await exampleImage()),
			flags: [
				...flags,
				`--volume=${directory.path}:/service:ro`,
				`--volume=${join(import.meta.dirname, "../fixtures")}:/fixtures:ro`,
				"--workdir=/service",
			],
			env,
			network,
		});
		return new Service(container.name, directory);
	} catch (error) {
		directory[Symbol.dispose]();
		throw error;
	}
}

export class Service extends Container {
	readonly #directory: TestDirectory;

	constructor(name: string, directory: TestDirectory) {
		super(name);
		this.#directory = directory;
	}

	/** Every line of standard output so far. */
	async lines(): Promise<string[]> {
		return (await this.logs()).stdout.split("\n");
	}

	/** Every event of its log so far. */
	async events(): Promise<Event[]> {
		return parseEvents(await this.lines());
	}

	/** `lastcall status --json` in the container. Throws while nobody answers. */
	async status(): Promise<Status> {
		const { stdout, stderr } = await this.exec(["lastcall", "status", "--json"]);
		if (stdout === "") throw new Error(`No status: ${stderr}`);
		return JSON.parse(stdout);
	}

	/** Waits until it answers, and says something. */
	async untilStatus(condition: (status: Status) => boolean, what: string, timeout = 60_000): Promise<void> {
		await until(
			async () => {
				const status = await this.status().catch(() => undefined);
				return status !== undefined && condition(status);
			},
			what,
			timeout,
		);
	}

	/** How it ended; throws while it runs. */
	async ended(): Promise<ContainerInfo["State"]> {
		const { State } = await this.inspect();
		if (State.Running) throw new Error(`Container ${this.name} still runs`);
		return State;
	}

	override async [Symbol.asyncDispose](): Promise<void> {
		await this.remove();
		this.#directory[Symbol.dispose]();
	}
}
