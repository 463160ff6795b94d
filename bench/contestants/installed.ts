import { run } from "../../scripts/lib/command.ts";

/** The version that a command tells; `undefined` when it is not installed. */
export async function versionOf(command: string, ...args: string[]): Promise<string | undefined> {
	const { code, stdout, stderr } = await run(command, args);
	if (code === 127) return undefined;
	return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}
