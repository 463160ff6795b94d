/**
 * A containerd of the test's own, which runs pods for a kubelet: own images, own state, own socket, and nothing of it is left at
 * the end. A containerd that the machine has, or that an engine has started, does not notice.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { must } from "../../scripts/lib/command.ts";
import { removeDirectory } from "../../scripts/lib/mounts.ts";
import { attempt } from "../../src/base/errors.ts";
import { Cri } from "./cri.ts";
import { mustDocker } from "./docker.ts";
import { pauseImage } from "./images.ts";
import { needs } from "./inits.ts";
import { Lines } from "./lines.ts";
import { until } from "./until.ts";

/** For the options of a test: says why it is left out. In CI it never is. gcc is for the pause image. */
export function needsContainerd(): { skip: string | false } {
	if (process.getuid?.() !== 0 && process.env.CI !== "true")
		return { skip: "containerd runs with these settings for root only" };
	return needs("containerd", "ctr", "runc", "gcc");
}

export class Containerd implements AsyncDisposable {
	readonly cri: Cri;
	/** For what a kubelet keeps of its pods. */
	readonly directory: string;
	/** Parent of the pods' cgroups. */
	readonly cgroup: string;
	readonly #root: string;
	readonly #process: ChildProcess;
	readonly #lines: Lines;

	/** Use with `await using`. Its images are taken over from the Docker engine, under their own names. */
	static async start(...images: readonly string[]): Promise<Containerd> {
		const pause = await pauseImage();
		// The path of a socket must not be longer than 107 bytes.
		const directory = mkdtempSync(join(tmpdir(), "lc-containerd-"));
		writeFileSync(join(directory, "config.toml"), settings(directory, pause));
		const child = spawn("containerd", ["--config", join(directory, "config.toml")], {
			stdio: ["ignore", "ignore", "pipe"],
		});
		const containerd = new Containerd(directory, child);
		try {
			await containerd.#lines.waitFor(/containerd successfully booted/);
			await containerd.#import([pause, ...images]);
			return containerd;
		} catch (error) {
			await containerd[Symbol.asyncDispose]();
			throw error;
		}
	}

	private constructor(root: string, child: ChildProcess) {
		this.#root = root;
		this.directory = join(root, "kubelet");
		mkdirSync(this.directory);
		this.cgroup = `/${basename(root)}`;
		this.#process = child;
		this.#lines = child.stderr ? Lines.from(child.stderr) : new Lines();
		// It is not installed: nothing more comes, and that is said.
		child.on("error", ({ message }) => this.#lines.push(`${message}\n`));
		this.cri = new Cri(join(root, "containerd.sock"));
	}

	async #import(images: readonly string[]): Promise<void> {
		const file = join(this.#root, "images.tar");
		const timeout = 300_000;
		await mustDocker(["save", "--output", file, ...images], { timeout });
		const client = ["--address", join(this.#root, "containerd.sock"), "--namespace", "k8s.io"];
		await must("ctr", [...client, "images", "import", file], { timeout });
		rmSync(file);
		for (const image of images) {
			// The CRI learns of a new image by an event.
			const isKnown = async () => (await this.cri.call("ImageStatus", { image: { image } })).image !== null;
			await until(isKnown, `the CRI knows the image ${image}`);
		}
	}

	/** To be called when its pods are gone. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.cri[Symbol.dispose]();
		const { exitCode, signalCode, pid } = this.#process;
		if (pid !== undefined && exitCode === null && signalCode === null) {
			const exited = once(this.#process, "exit");
			this.#process.kill();
			await exited;
		}
		for (const path of globSync(`/sys/fs/cgroup/{,*}${this.cgroup}`)) attempt(() => rmdirSync(path));
		await removeDirectory(this.#root);
	}
}

/** Each path that has a default outside of its directories is named: nothing is made in /etc and /opt. */
function settings(directory: string, pause: string): string {
	const at = (name: string) => JSON.stringify(join(directory, name));
	return `
version = 2
root = ${at("root")}
state = ${at("state")}
disabled_plugins = [
	"io.containerd.internal.v1.restart",
	"io.containerd.snapshotter.v1.aufs",
	"io.containerd.snapshotter.v1.btrfs",
	"io.containerd.snapshotter.v1.devmapper",
	"io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = ${at("containerd.sock")}

[plugins."io.containerd.internal.v1.opt"]
path = ${at("opt")}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${JSON.stringify(pause)}
# Neither of them is the same on every machine, and no test looks at them.
disable_apparmor = true
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
# No network but the machine's.
bin_dir = ${at("cni")}
conf_dir = ${at("cni")}
`;
}
