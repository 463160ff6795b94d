/** Node.js for arm64 on a machine of another kind. */
import { spawnSync } from "node:child_process";
import { arm64Node } from "../../scripts/lib/toolchain.ts";

/** The command. */
export function nodeForArm64(): readonly string[] {
	return ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", arm64Node()];
}

/** For the options of a test that runs it: says why it is left out. In CI it never is. */
export function needsArm64(): { skip: string | false } {
	const [qemu = "", ...args] = nodeForArm64();
	return {
		skip:
			process.env.CI !== "true" &&
			spawnSync(qemu, [...args, "--version"]).status !== 0 &&
			"not installed: Node.js for arm64, and qemu (LASTCALL_ENGINE=install npm test installs them)",
	};
}
