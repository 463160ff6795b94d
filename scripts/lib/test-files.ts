/** Which test files there are, and which of them run where. */
import { globSync } from "node:fs";
import { root } from "./paths.ts";

export interface TestFiles {
	/** Need no engine. */
	readonly unit: readonly string[];
	/** The unit tests of what differs on Node.js 24: the binding, signals that come early, output, `lastcall/register`. */
	readonly differing: readonly string[];
	/** Run in containers. */
	readonly container: readonly string[];
	/** Hostile surroundings, storms, fuzzing: minutes each, most of them in containers. */
	readonly faults: readonly string[];
}

const DIFFERING = [
	"test/dropin/program.test.ts",
	"test/inprocess/on-stop.test.ts",
	"test/inprocess/register.test.ts",
	"test/job/flag.test.ts",
	"test/job/function-process.test.ts",
	"test/os/early-signal.test.ts",
	"test/os/libc.test.ts",
	"test/os/memory.test.ts",
	"test/os/output",
	"test/os/unclaimed-zombies.test.ts",
	"test/os/reaper.test.ts",
	"test/os/shared-memory.test.ts",
	"test/os/signals.test.ts",
	"test/os/spawn.test.ts",
	"test/os/stderr.test.ts",
	"test/parity/signals.test.ts",
];

/** What asks the kernel through the C library, or prints its words. */
const OF_LIBC = [
	"test/dropin/",
	"test/inprocess/register.test.ts",
	"test/job/",
	"test/os/",
	"test/parity/signals.test.ts",
];
const BUT = [
	"test/dropin/unknown-word.test.ts",
	"test/job/local-binary.test.ts",
	// Of another machine.
	"test/os/arm64.test.ts",
	"test/os/syscall-numbers.test.ts",
	// They have no terminal on musl.
	"test/job/line-records-terminal.test.ts",
	"test/os/output-terminal.test.ts",
];

/** Whether a unit test also runs on musl. */
export function runsOnMusl(file: string): boolean {
	return !BUT.includes(file) && OF_LIBC.some((part) => file.startsWith(part));
}

/**
 * @param filters Parts of file names: a file counts if its name has one of them. @default every file
 */
export function findTestFiles(filters: readonly string[]): TestFiles {
	const all = globSync("test/**/*.test.ts", { cwd: root })
		.filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
		.sort();
	const below = (folder: string) => all.filter((file) => file.startsWith(folder));
	const container = below("test/container/");
	const faults = below("test/faults/");
	const unit = all.filter((file) => !container.includes(file) && !faults.includes(file));
	const differing = unit.filter((file) => DIFFERING.some((part) => file.startsWith(part)));
	return { unit, differing, container, faults };
}
