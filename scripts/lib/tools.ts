/** Programs that tests compare with or run, by the Debian package that has them. */
import { mayInstall } from "./allowed.ts";
import { aptInstall } from "./apt.ts";
import { run } from "./command.ts";

/** The argument makes each say something and end; the exit code does not matter. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
	"docker-compose": ["docker-compose", "--version"],
	"redis-server": ["redis-server", "--version"],
	tini: ["tini", "--version"],
	"dumb-init": ["dumb-init", "--version"],
	catatonit: ["catatonit", "--version"],
	podman: ["podman", "--version"],
	runc: ["runc", "--version"],
	containerd: ["containerd", "--version"],
	"util-linux": ["unshare", "--version"],
	procps: ["ps", "--version"],
	gcc: ["gcc", "--version"],
	python3: ["python3", "--version"],
	"libc6-dev": file("/usr/include/stdio.h"),
	// For Node.js on arm64.
	"qemu-user": ["qemu-aarch64", "--version"],
	"libstdc++6-arm64-cross": file("/usr/aarch64-linux-gnu/lib/libstdc++.so.6"),
	"libatomic1-arm64-cross": file("/usr/aarch64-linux-gnu/lib/libatomic.so.1"),
};

function file(path: string): readonly string[] {
	return ["sh", "-c", `test -e ${path} || exit 127`];
}

/** Installs what is missing where that is allowed; elsewhere the tests that need it say so. */
export async function ensureTools(): Promise<void> {
	if (!mayInstall()) return;
	const missing: string[] = [];
	for (const [name, [command = "", ...args]] of Object.entries(TOOLS))
		if ((await run(command, args)).code === 127) missing.push(name);
	if (missing.length > 0) await aptInstall(...missing);
}
