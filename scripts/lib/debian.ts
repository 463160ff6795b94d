/** Debian packages as trees of files. Nothing is installed on this machine. */
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./apt.ts";
import { must } from "./command.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Downloads packages of a release with apt-get, and unpacks them into one folder below `work`. Returns its path. */
export async function unpackDebian(release: string, packages: readonly string[], work: string): Promise<string> {
	if (!existsSync(KEYRING)) await aptInstall("debian-archive-keyring");
	// An apt of its own: sources, lists and packages are none of the machine's.
	const apt = mkdtempSync(join(work, "apt-"));
	const source = `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${release} main\n`;
	writeFileSync(join(apt, "sources.list"), source);
	for (const folder of ["state/lists/partial", "cache/archives/partial"])
		mkdirSync(join(apt, folder), { recursive: true });
	const settings = [
		`Dir::Etc::SourceList=${apt}/sources.list`,
		"Dir::Etc::SourceParts=/dev/null",
		`Dir::State=${apt}/state`,
		"Dir::State::Status=/dev/null",
		`Dir::Cache=${apt}/cache`,
		// Else it wants to become another user, who may not write here.
		"APT::Sandbox::User=root",
		"Acquire::Languages=none",
	].flatMap((setting) => ["-o", setting]);
	const options = { cwd: apt, timeout: 300_000 };
	await must("apt-get", [...settings, "-q", "update"], options);
	await must("apt-get", [...settings, "-q", "download", ...packages], options);
	const tree = join(work, "tree");
	for (const file of globSync("*.deb", { cwd: apt })) await must("dpkg-deb", ["--extract", file, tree], { cwd: apt });
	rmSync(apt, { recursive: true });
	return tree;
}
