/**
 * The variables of a job, from its `envFile` and its `env`. Files are read once, before anything is started. Their
 * contents may be secret: a message may contain the name of a variable, but no value.
 */
import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { errorInfo, show, showKey, showPath } from "../base/errors.ts";

/** The kernel's MAX_ARG_STRLEN, without the NUL at the end. */
export const MAX_ARGUMENT_BYTES = 131_071;
/** Half of the room that the kernel by default gives a program for all its arguments and variables. */
const MAX_FILE_BYTES = 1_048_576;

export type EnvFile = Readonly<{ path: string; required: boolean }>;
export type Variables = Readonly<Record<string, string | { readonly file: string }>>;

/** Whether an environment can hold a variable of this name. */
export function isVariable(name: string): boolean {
	return /^[^=\0]+$/.test(name);
}

/**
 * @param folder Relative paths start from this folder.
 * @param report Called for each mistake, with the part of the message that follows the job's name.
 */
export function readVariables(
	{ env, envFile }: { readonly env: Variables; readonly envFile: readonly EnvFile[] },
	folder: string,
	report: (mistake: string) => void,
): Record<string, string> {
	const variables = new Map<string, string>();
	// Not an import: os/output/stderr.ts says why.
	const { parseEnv } = process.getBuiltinModule("node:util");
	for (const { path, required } of envFile) {
		const text = readText(path, folder, MAX_FILE_BYTES, (problem) => {
			if (required || !problem.isMissing) report(`envFile: ${problem.message}`);
		});
		for (const [name, value = ""] of Object.entries(text === undefined ? {} : parseEnv(text))) {
			const problem = isVariable(name) ? problemOf(name, value) : "has a bad name";
			if (problem !== undefined) report(`envFile: ${show(path)}: the variable ${showKey(name)} ${problem}`);
			variables.set(name, value);
		}
	}
	for (const [name, value] of Object.entries(env)) {
		if (typeof value === "string") {
			const problem = problemOf(name, value);
			if (problem !== undefined) report(`env.${showKey(name)}: ${problem}`);
			variables.set(name, value);
			continue;
		}
		const place = `env.${showKey(name)}.file: `;
		// One byte more, for the line feed at the end.
		const read = readText(value.file, folder, MAX_ARGUMENT_BYTES + 1, ({ message }) => report(place + message));
		const text = read?.replace(/\n$/, "") ?? "";
		const problem = problemOf(name, text);
		if (problem !== undefined) report(`${place}${show(value.file)} ${problem}`);
		variables.set(name, text);
	}
	return Object.fromEntries(variables);
}

/** Why an environment cannot hold the value. The text never contains the value. */
function problemOf(name: string, value: string): string | undefined {
	if (value.includes("\0")) return "has a NUL character, expected text without one";
	const bytes = Buffer.byteLength(`${name}=${value}`);
	return bytes > MAX_ARGUMENT_BYTES
		? `has ${bytes} bytes with its name, expected at most ${MAX_ARGUMENT_BYTES}`
		: undefined;
}

type Problem = Readonly<{ message: string; isMissing: boolean }>;

/** The text of a file, without the byte order mark that some editors write. */
function readText(
	path: string,
	folder: string,
	maxBytes: number,
	report: (problem: Problem) => void,
): string | undefined {
	const file = resolve(folder, path);
	const fail = (what: string, isMissing = false) =>
		report({ message: `${show(path)} ${what} (looked at ${showPath(file)})`, isMissing });
	try {
		const stats = statSync(file);
		const { size } = stats;
		if (stats.isDirectory()) fail("is a folder, expected a file");
		// Reading a FIFO would block the init, and reading a device may never end.
		else if (!stats.isFile()) fail("is no regular file, expected one");
		else if (size > maxBytes) fail(`has ${size} bytes, expected at most ${maxBytes}`);
		else {
			const bytes = readFileSync(file);
			if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
			fail("is not text in UTF-8");
		}
	} catch (error) {
		const { code = "unknown error" } = errorInfo(error);
		fail(code === "ENOENT" ? "not found" : `cannot be read: ${code}`, code === "ENOENT");
	}
	return undefined;
}
