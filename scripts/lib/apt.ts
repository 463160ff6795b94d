import { mayInstall } from "./allowed.ts";
import { must, run } from "./command.ts";
import { Interrupted } from "./interruption.ts";
import { ScriptError } from "./script.ts";

/** Installs Debian packages, where that is allowed; else throws with what to do instead. */
export async function aptInstall(...packages: string[]): Promise<void> {
	const names = packages.join(" ");
	if (!mayInstall()) {
		throw new ScriptError(
			`Missing on this machine: ${names}. Install it, or set LASTCALL_ENGINE=install to have it installed with apt-get`,
		);
	}
	if (process.getuid?.() !== 0) {
		throw new ScriptError(`Cannot install ${names}: apt-get needs root, found uid ${process.getuid?.()}`);
	}
	if ((await run("apt-get", ["--version"])).code !== 0) {
		throw new ScriptError(`Cannot install ${names}: found no apt-get on PATH`);
	}
	process.stderr.write(`lastcall: installing ${names} with apt-get\n`);
	const env = { DEBIAN_FRONTEND: "noninteractive" };
	const timeout = 600_000;
	// One broken third-party source fails the update; whether it matters shows the install.
	const update = await run("apt-get", ["update", "-q"], { env, timeout });
	try {
		await must("apt-get", [...aptOptions, "install", "-q", "-y", ...packages], { env, timeout });
	} catch (error) {
		if (error instanceof Interrupted) throw error;
		throw new ScriptError(
			`Cannot install ${names}: ${(error as Error).message}\napt-get update said:\n${update.stderr}`,
		);
	}
}

const aptOptions = ["-o", "DPkg::Lock::Timeout=300", "--no-install-recommends"];
