/**
 * The foreign function interface: `node:ffi` where Node.js has it (26 and later), koffi otherwise.
 * Both take addresses as bigint, so callers need not know which one has loaded.
 */
import { errorInfo } from "../../base/errors.ts";
import { keepStderrBlocking } from "../output/stderr.ts";

export type ForeignType = "int" | "ulong" | "pointer";
export type ForeignFunction = (...args: (number | bigint)[]) => number | bigint;

export interface ForeignFunctions {
	readonly name: "node:ffi" | "koffi";
	/**
	 * Looks up a symbol of the running process: the C library's, or libuv's inside the node binary. Throws if there is
	 * none, or if the symbol is already bound with another signature: node:ffi accepts one signature for each symbol.
	 */
	bind(symbol: string, returns: ForeignType | "void", args: readonly ForeignType[]): ForeignFunction;
	/** The address of a function or variable of the running process. Throws if there is none. */
	symbol(name: string): bigint;
	/** A C function `void (pointer, int)` that calls back, as long as the process lives. The callback must not throw. */
	callback(callback: (pointer: unknown, value: number) => void): bigint;
	/** The address of the buffer's memory. The caller keeps the buffer referenced for as long as C may use it. */
	address(buffer: Buffer): bigint;
	/** The memory at an address, not a copy. Nobody may touch the view when the memory has been given back. */
	view(address: bigint, bytes: number): ArrayBuffer;
	/** The pointer stored at an address. */
	readPointer(address: bigint): bigint;
	/** The zero-terminated text at an address. */
	readString(address: bigint): string;
}

/**
 * The symbols that an init cannot work without. All are looked up before any is used: in a static binary there are
 * none, and an init that finds this out after it has started its program could only fail.
 */
const NEEDED = [
	...["prctl", "fcntl", "environ", "posix_spawnp", "waitid"],
	...["signal", "tcgetpgrp", "tcsetpgrp", "getpgrp", "getsid", "ioctl"],
	...["posix_spawn_file_actions_addopen", "posix_spawn_file_actions_addclose"],
	...["strerror", "strsignal", "_exit"],
];

/** What the user can do where neither binding loads. */
export const TO_GET_BINDING =
	"use an official build of Node.js 26 or later, or install the npm package koffi beside lastcall";

/** Why neither binding has loaded. */
export const bindingFaults: string[] = process.platform === "linux" ? [] : ["this is not Linux"];

let loaded: ForeignFunctions | undefined | null = null;

/**
 * Loads a binding on the first call.
 *
 * @returns `undefined` where neither loads, or not on Linux. This is no error: the init works without, but does less.
 */
export function foreignFunctions(): ForeignFunctions | undefined {
	if (loaded === null) loaded = process.platform === "linux" ? (load(viaNode) ?? load(viaKoffi)) : undefined;
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
	const types = { int: "int32", ulong: "uint64", pointer: "pointer", void: "void" } as const;
	const { lib } = ffi.dlopen(null, {});
	return {
		name: "node:ffi",
		// A plain address ("pointer") makes a call several times faster than a "buffer" does.
		bind: (symbol, returns, args) =>
			lib.getFunction(symbol, { return: types[returns], arguments: args.map((arg) => types[arg]) }) as ForeignFunction,
		symbol: (name) => lib.getSymbol(name),
		callback: (callback) => lib.registerCallback({ return: "void", arguments: ["pointer", "int32"] }, callback),
		address: (buffer) => ffi.getRawPointer(buffer),
		view: (address, bytes) => ffi.toArrayBuffer(address, bytes, false),
		readPointer: (address) => ffi.getUint64(address),
		readString: (address) => ffi.toString(address) ?? "",
	};
}

function viaKoffi(): ForeignFunctions {
	// koffi loads modules that look at standard error.
	keepStderrBlocking();
	// No imports: Node.js 26 needs neither module.
	const { createRequire } = process.getBuiltinModule("node:module");
	const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
	const types = { int: "int", ulong: "uint64_t", pointer: "void *", void: "void" } as const;
	const lib = koffi.load(null);
	return {
		name: "koffi",
		bind: (symbol, returns, args) => {
			const argTypes = args.map((arg) => types[arg]);
			return lib.func(symbol, types[returns], argTypes) as ForeignFunction;
		},
		symbol: (name) => koffi.address(lib.symbol(name, "void *")),
		callback: (callback) => koffi.register(callback, koffi.pointer(koffi.proto("void (void *pointer, int value)"))),
		address: (buffer) => koffi.address(buffer),
		view: (address, bytes) => koffi.view(address, bytes),
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

let syscall: ForeignFunction | undefined;

/** syscall(2), with the number of the system call and four arguments. For system calls that a C library may lack. */
export function bindSyscall(ffi: ForeignFunctions): ForeignFunction {
	syscall ??= ffi.bind("syscall", "ulong", ["ulong", "ulong", "ulong", "ulong", "ulong"]);
	return syscall;
}
