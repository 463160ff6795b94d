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
	gcc: ["gcc", "--version"],
	"libc6-dev": ["sh", "-c", "test -e /usr/include/stdio.h || exit 127"],
	"util-linux": ["unshare", "--version"],
	procps: ["ps", "--version"],
};

/** Installs what is missing where that is allowed; elsewhere the tests that need it say so. */
export async function ensureTools(): Promise<void> {
	if (!mayInstall()) return;
	const missing: string[] = [];
	for (const [name, [command = "", ...args]] of Object.entries(TOOLS))
		if ((await run(command, args)).code === 127) missing.push(name);
	if (missing.length > 0) await aptInstall(...missing);
}
