import type { ForeignFunction, ForeignFunctions } from "./ffi.ts";

let bound: ForeignFunction | undefined;

/** syscall(2), with its number and four arguments: for system calls that a C library lacks, or has elsewhere. */
export function bindSyscall(ffi: ForeignFunctions): ForeignFunction {
	bound ??= ffi.bind("syscall", "ulong", [
		"ulong",
		"ulong",
		"ulong",
		"ulong",
		"ulong",
	]);
	return bound;
}
