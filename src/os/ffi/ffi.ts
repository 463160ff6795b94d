/**
 * The foreign function interface: `node:ffi` where Node.js has it (26 and later), koffi otherwise.
 * Both take addresses as bigint, so that what stands on top need not know which one it got.
 */
import { errorInfo } from "../../base/errors.ts";
import { keepStderrBlocking } from "../output/stderr.ts";

export type ForeignType = "int" | "ulong" | "pointer";
export type ForeignFunction = (...args: (number | bigint)[]) => number | bigint;

export interface ForeignFunctions {
	readonly name: "node:ffi" | "koffi";
	/**
	 * Looks a symbol of the running process up (the C library's, or libuv's inside the node binary). Throws if there is none, or
	 * if it was bound with another signature: node:ffi takes one for each symbol.
	 */
	bind(symbol: string, returns: ForeignType | "void", args: readonly ForeignType[]): ForeignFunction;
	/** Address of a variable of the running process. */
	symbol(name: string): bigint;
	/** A C function `void (pointer, int)` that calls back; it lives as long as the process. The callback must not throw. */
	callback(callback: (pointer: unknown, value: number) => void): bigint;
	/** Address of the buffer's memory. The caller keeps the buffer referenced for as long as C may use it. */
	address(buffer: Buffer): bigint;
	/** A pointer at an address. */
	readPointer(address: bigint): bigint;
	/** The zero-terminated text at an address. */
	readString(address: bigint): string;
}

/**
 * What an init cannot do without. Where one is missing nothing is bound: in a static binary no symbol can be looked up, and an init
 * that learns of it after the start of its program could only fail.
 */
const NEEDED = [
	...["prctl", "fcntl", "environ", "posix_spawnp", "waitid", "waitpid"],
	...["signal", "tcgetpgrp", "tcsetpgrp", "getpgrp", "getsid", "ioctl"],
	...["posix_spawn_file_actions_addopen", "posix_spawn_file_actions_addclose"],
	...["strerror", "strsignal", "_exit"],
];

/** What to do where neither loads. */
export const TO_GET_BINDING =
	"use an official build of Node.js 26 or later, or install the npm package koffi beside lastcall";

/** Why neither has loaded. */
export const bindingFaults: string[] = process.platform === "linux" ? [] : ["this is not Linux"];

let loaded: ForeignFunctions | undefined | null = null;

/**
 * Loads them on the first call.
 *
 * @returns `undefined` where neither loads, or not on Linux; that is no error, the init works on without.
 */
export function foreignFunctions(): ForeignFunctions | undefined {
	if (loaded === null) {
		loaded = process.platform === "linux" ? (load(viaNode) ?? load(viaKoffi)) : undefined;
	}
	return loaded;
}

function load(via: () => ForeignFunctions | undefined): ForeignFunctions | undefined {
	try {
		const ffi = via();
		if (ffi) for (const name of NEEDED) ffi.symbol(name);
		return ffi;
	} catch (error) {
		const [line = ""] = errorInfo(error).message.split("\n");
		bindingFaults.push(line);
		return undefined;
	}
}

function viaNode(): ForeignFunctions | undefined {
	const ffi = importQuietly("node:ffi");
	if (!ffi) return undefined;
	const types = { int: "int32", ulong: "uint64", pointer: "pointer" } as const;
	const { lib } = ffi.dlopen(null, {});
	return {
		name: "node:ffi",
		bind: (symbol, returns, args) =>
			lib.getFunction(symbol, {
				return: returns === "void" ? returns : types[returns],
				// A plain address ("pointer") is called several times faster than a "buffer".
				arguments: args.map((arg) => types[arg]),
			}) as ForeignFunction,
		symbol: (name) => lib.getSymbol(name),
		callback: (callback) => lib.registerCallback({ return: "void", arguments: ["pointer", "int32"] }, callback),
		address: (buffer) => ffi.getRawPointer(buffer),
		readPointer: (address) => ffi.getUint64(address),
		readString: (address) => ffi.toString(address) ?? "",
	};
}

function viaKoffi(): ForeignFunctions {
	// It loads what looks at standard error.
	keepStderrBlocking();
	// Not imported: Node.js 26 needs neither.
	const { createRequire } = process.getBuiltinModule("node:module");
	const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
	const types = {
		int: "int",
		ulong: "uint64_t",
		pointer: "void *",
		void: "void",
	} as const;
	const symbols = koffi.load(null);
	return {
		name: "koffi",
		bind: (symbol, returns, args) =>
			symbols.func(
				symbol,
				types[returns],
				args.map((arg) => types[arg]),
			) as ForeignFunction,
		symbol: (name) => koffi.address(symbols.symbol(name, "void *")),
		callback: (callback) => koffi.register(callback, koffi.pointer(koffi.proto("void (void *pointer, int value)"))),
		address: (buffer) => koffi.address(buffer),
		readPointer: (address) => koffi.decode(address, "void *") as bigint,
		readString: (address) => koffi.decode(address, "char", -1) as string,
	};
}

/** Loads an experimental module without its warning: nobody who runs a container can act on it. */
function importQuietly(id: "node:ffi"): typeof import("node:ffi") | undefined {
	const { emitWarning } = process;
	process.emitWarning = () => {};
	try {
		return process.getBuiltinModule(id);
	} finally {
		process.emitWarning = emitWarning;
	}
}

// ==== from syscall.ts

let bound: ForeignFunction | undefined;

/** syscall(2), with its number and four arguments: for system calls that a C library lacks, or has elsewhere. */
export function bindSyscall(ffi: ForeignFunctions): ForeignFunction {
	bound ??= ffi.bind("syscall", "ulong", ["ulong", "ulong", "ulong", "ulong", "ulong"]);
	return bound;
}
