/**
 * The foreign function interface: `node:ffi` where Node.js has it (26 and later), koffi otherwise.
 * Both take addresses as bigint, so that what stands on top need not know which one it got.
 */
import { createRequire } from "node:module";
import { attempt } from "../errors.ts";

export type ForeignType = "int" | "ulong" | "pointer";
type ForeignFunction = (...args: (number | bigint)[]) => number | bigint;

export interface ForeignFunctions {
	readonly name: "node:ffi" | "koffi";
	/** Looks a symbol of the running process up (the C library's, or libuv's inside the node binary). Throws if there is none. */
	bind(
		symbol: string,
		returns: ForeignType | "void",
		args: readonly ForeignType[],
	): ForeignFunction;
	/** Address of the buffer's memory. The caller keeps the buffer referenced for as long as C may use it. */
	address(buffer: Buffer): bigint;
	/** A 32-bit integer at an address. */
	readInt(address: bigint): number;
}

/** @returns `undefined` where neither loads; the reason is not an error, the init works on without. */
export function loadForeignFunctions(): ForeignFunctions | undefined {
	return attempt(viaNode) ?? attempt(viaKoffi);
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
		address: (buffer) => ffi.getRawPointer(buffer),
		readInt: (address) => ffi.getInt32(address),
	};
}

function viaKoffi(): ForeignFunctions {
	const koffi = createRequire(import.meta.url)(
		"koffi",
	) as typeof import("koffi");
	const types = {
		int: "int",
		ulong: "uint64_t",
		pointer: "void *",
		void: "void",
	} as const;
	const process = koffi.load(null);
	return {
		name: "koffi",
		bind: (symbol, returns, args) =>
			process.func(
				symbol,
				types[returns],
				args.map((arg) => types[arg]),
			) as ForeignFunction,
		address: (buffer) => koffi.address(buffer),
		readInt: (address) => koffi.decode(address, "int") as number,
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
