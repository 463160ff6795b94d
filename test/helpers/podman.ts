/**
 * A podman of the test's own, which plays Kubernetes manifests: own images, own state, own settings, and nothing of it is
 * left at the end but an entry in podman's cache of checksums, whose place is fixed. It needs neither systemd nor a network.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { globSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { must } from "../../scripts/lib/command.ts";
import { RUN_VARIABLE } from "../../scripts/lib/leftovers.ts";
import { removeDirectory } from "../../scripts/lib/mounts.ts";
import { attempt } from "../../src/base/errors.ts";
import { mustDocker } from "./docker.ts";
import { needs } from "./inits.ts";
import { Lines, type WaitOptions } from "./lines.ts";

/** For the options of a test: says why it is left out. In CI it never is. catatonit is what podman makes its pause image of. */
export function needsPodman(): { skip: string | false } {
	if (process.getuid?.() !== 0 && process.env.CI !== "true")
		return { skip: "podman runs with these settings for root only" };
	return needs("podman", "runc", "conmon", "catatonit");
}

/** Use with `await using`: its pods and all its data are gone at the end of the block. */
export function startPodman(): Podman {
	// The path of a socket must not be longer than 107 bytes, and podman adds 90 to this.
	return new Podman(mkdtempSync(join(tmpdir(), "lc-podman-")));
}

const CONMON_ENV = ["PATH", RUN_VARIABLE]
	.filter((name) => process.env[name] !== undefined)
	.map((name) => `${name}=${process.env[name]}`);

export class Podman implements AsyncDisposable {
	readonly #directory: string;
	readonly #flags: readonly string[];
	readonly #env: NodeJS.ProcessEnv;
	/** Of the pods played so far. */
	readonly #cgroups: string[] = [];

	constructor(directory: string) {
		const config = join(directory, "containers.conf");
		const [root, runroot, tmp] = ["root", "run", "tmp"].map((name) => join(directory, name)) as [
			string,
			string,
			string,
		];
		writeFileSync(config, settings(tmp, join(directory, "networks")));
		this.#directory = directory;
		this.#flags = ["--root", root, "--runroot", runroot, "--tmpdir", tmp];
		this.#env = { CONTAINERS_CONF: config, TMPDIR: directory };
	}

	/** Runs a command of podman; a failure is an exception. Returns the trimmed stdout. */
	must(args: readonly string[], timeout = 60_000): Promise<string> {
		const env = this.#env;
		return must("podman", [...this.#flags, ...args], { env, timeout });
	}

	/** Waits for a line in a container's output; rejects when the container has ended without it, or on timeout. */
	async waitForLine(container: string, pattern: RegExp, options: WaitOptions = {}): Promise<string> {
		const args = [...this.#flags, "logs", "--follow", container];
		const follower = spawn("podman", args, {
			env: { ...process.env, ...this.#env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		try {
			const lines = Lines.from(follower.stdout, follower.stderr);
			return await lines.waitFor(pattern, options);
		} finally {
			follower.kill();
		}
	}

	/** Takes an image over from the Docker engine, and returns the name it has here. */
	async load(image: string): Promise<string> {
		const file = join(this.#directory, "image.tar");
		await mustDocker(["save", "--output", file, image], { timeout: 300_000 });
		const said = await this.must(["load", "--input", file], 300_000);
		rmSync(file);
		const [, name] = /^Loaded image: (\S+)$/m.exec(said) ?? [];
		if (name === undefined) throw new Error(`Found no name of an image in "${said}"`);
		return name;
	}

	/** `podman kube play`. Use with `await using`: the pod is gone at the end of the block. */
	async play(...documents: readonly KubernetesObject[]): Promise<Pod> {
		const pod = documents.find(({ kind }) => kind === "Pod");
		if (pod === undefined) throw new Error("Found no pod among the documents");
		const file = join(this.#directory, `${randomUUID()}.yaml`);
		const texts = documents.map((document) => stringify(document));
		writeFileSync(file, texts.join("---\n"));
		const { name } = pod.metadata;
		const played = new Pod(this, file, name);
		try {
			await this.must(["kube", "play", "--log-driver=k8s-file", file]);
			const format = "--format={{.CgroupPath}}";
			this.#cgroups.push(await this.must(["pod", "inspect", format, name]));
		} catch (error) {
			await played[Symbol.asyncDispose]();
			throw error;
		}
		return played;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.must(["pod", "rm", "--all", "--force", "--time=0"]);
		for (const path of this.#cgroups) removeCgroups(path);
		await removeDirectory(this.#directory);
	}
}

/** The part of a manifest's document that is the same for every kind. */
export interface KubernetesObject {
	readonly apiVersion: string;
	readonly kind: string;
	readonly metadata: { readonly name: string };
	readonly [field: string]: unknown;
}

export class Pod implements AsyncDisposable {
	readonly name: string;
	readonly #podman: Podman;
	readonly #file: string;

	constructor(podman: Podman, file: string, name: string) {
		this.#podman = podman;
		this.#file = file;
		this.name = name;
	}

	/** Waits for a line of one of its containers; rejects when that has ended without it, or on timeout. */
	waitForLine(container: string, pattern: RegExp, options?: WaitOptions): Promise<string> {
		const name = this.#container(container);
		return this.#podman.waitForLine(name, pattern, options);
	}

	/** What a container has printed so far. */
	async lines(container: string): Promise<string[]> {
		const logs = ["logs", this.#container(container)];
		return (await this.#podman.must(logs)).split("\n");
	}

	/**
	 * SIGTERM to every container, and SIGKILL when the grace period has passed; with 0 seconds at once. The pod and its
	 * output are still there afterwards. To be called before `down()`: that of podman 4.3 sends SIGKILL at once.
	 */
	async stop(seconds: number): Promise<{ readonly ms: number }> {
		const start = performance.now();
		const args = ["pod", "stop", `--time=${seconds}`, this.name];
		await this.#podman.must(args, (seconds + 30) * 1000);
		return { ms: performance.now() - start };
	}

	/** The exit code of a container that has ended; throws while it runs. */
	async exitCode(container: string): Promise<number> {
		const name = this.#container(container);
		const format = "--format={{.State.Status}} {{.State.ExitCode}}";
		const inspect = ["container", "inspect", format, name];
		const state = await this.#podman.must(inspect);
		const [, code] = /^exited (\d+)$/.exec(state) ?? [];
		if (code === undefined) throw new Error(`Container ${name} has no exit code: it is "${state}"`);
		return Number(code);
	}

	/** `podman kube down` */
	async down(): Promise<void> {
		await this.#podman.must(["kube", "down", this.#file]);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const remove = ["pod", "rm", "--ignore", "--force", "--time=0", this.name];
		await this.#podman.must(remove);
	}

	#container(name: string): string {
		return `${this.name}-${name}`;
	}
}

function settings(tmp: string, networks: string): string {
	return `
[containers]
# The default is more than a container that lastcall's tests run in may give.
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]

[engine]
# The test runner finds what is left by the mark that its environment has: conmon gets no other.
conmon_env_vars = ${JSON.stringify(CONMON_ENV)}
runtime = "runc"
# No systemd and no journal.
cgroup_manager = "cgroupfs"
events_logger = "file"
# Not shared memory, which all podmans of a user have in common.
lock_type = "file"
tmp_dir = "${tmp}"

[network]
network_config_dir = "${networks}"
`;
}

/** podman forgets those of hierarchies that it does not manage itself, and its parent of all pods. */
function removeCgroups(path: string): void {
	// The parent is not empty while another podman has pods there.
	for (const directory of [path, dirname(path)])
		for (const cgroup of globSync(`/sys/fs/cgroup/{,*}${directory}`)) attempt(() => rmdirSync(cgroup));
}
