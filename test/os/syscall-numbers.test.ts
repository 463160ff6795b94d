/**
 * The numbers of system calls in src/ are the kernel's, on x64 and on arm64. A wrong number would be another system call. qemu cannot
 * show that for arm64, since it has a table of its own; the kernel's headers can.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SYS_FUTEX } from "../../src/os/ffi/shared-memory.ts";
import { SYS_PIDFD_OPEN, SYSCALLS } from "../../src/os/processes/kernel-state.ts";
import { MACHINES } from "../../src/os/signals/guard.ts";
import { NUMBERS } from "../helpers/syscalls.ts";

/** The header of each, as the kernel has it for 64 bits: that of arm64 is the generic one, with these calls. */
const HEADERS: Readonly<Record<string, string>> = {
	x64: "#include <asm/unistd_64.h>",
	arm64: ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3", "MEMFD_SECRET"]
		.map((wanted) => `#define __ARCH_WANT_${wanted}`)
		.concat("#define __BITS_PER_LONG 64", "#include <asm-generic/unistd.h>")
		.join("\n"),
};

/** What a header defines: names → numbers. */
function numbersOf(header: string): Map<string, number> {
	const { stdout, stderr, status } = spawnSync("gcc", ["-E", "-dM", "-"], { input: header, encoding: "utf8" });
	assert.equal(status, 0, stderr);
	const defined = new Map([...stdout.matchAll(/^#define (__NR\w+) (\w+)$/gm)].map(([, name, value]) => [name, value]));
	// A name may stand for another one.
	const numberOf = (value: string | undefined): number =>
		value === undefined || /^\d+$/.test(value) ? Number(value) : numberOf(defined.get(value));
	return new Map([...defined].map(([name = "", value]) => [name.replace("__NR_", ""), numberOf(value)]));
}

/** A test that needs the headers says so where they are not there. In CI they always are. */
const skip =
	process.env.CI !== "true" &&
	spawnSync("gcc", ["-E", "-"], { input: HEADERS.arm64 }).status !== 0 &&
	"not installed: gcc and libc6-dev";

/** The system call that machine code makes. */
const CALLS: Readonly<Record<string, (code: Buffer) => number>> = {
	// mov eax, NUMBER; syscall
	x64: (code) => code.readUInt32LE(code.indexOf("0f05", "hex") - 4),
	// mov x8, #NUMBER; svc #0
	arm64: (code) => (code.readUInt32LE(code.indexOf("010000d4", "hex") - 4) >>> 5) & 0xffff,
};

// The generic header is on every machine, that of x64 on its own.
for (const [arch, header] of Object.entries(HEADERS).filter(([arch]) => arch === "arm64" || arch === process.arch))
	test(`every number of a system call on ${arch} is the one of the kernel's headers`, { skip }, () => {
		const numbers = numbersOf(header);
		const named = [...(SYSCALLS[arch] ?? "").matchAll(/(\d+) (\w+)/g)].map(([, number, name]) => [
			name,
			Number(number),
		]);
		assert.ok(named.length > 30, `${named.length} names`);
		for (const [name, number] of named) assert.deepEqual([name, number], [name, numbers.get(name as string)]);

		const refused = Object.entries(NUMBERS[arch] ?? {});
		assert.ok(refused.length > 10);
		for (const [name, number] of refused) assert.deepEqual([name, number], [name, numbers.get(name)]);

		const machine = MACHINES[arch];
		const callIn = CALLS[arch];
		assert.ok(machine && callIn);
		assert.deepEqual(
			{
				pidfd_open: Number(SYS_PIDFD_OPEN),
				futex: Number(SYS_FUTEX[arch]),
				timer_create: Number(machine.timerCreate),
				timer_settime: Number(machine.timerSettime),
				write: callIn(machine.speak(0n)),
				exit_group: callIn(machine.exit(0n)),
			},
			Object.fromEntries(
				["pidfd_open", "futex", "timer_create", "timer_settime", "write", "exit_group"].map((name) => [
					name,
					numbers.get(name),
				]),
			),
		);
	});
