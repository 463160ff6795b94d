/** Texts and lists of texts as C wants them: `char *` and `char *const []`. */
import type { ForeignFunctions } from "./ffi.ts";

export interface CMemory {
	readonly address: bigint;
	/** Keep it referenced for as long as C may read it. */
	readonly memory: readonly Buffer[];
}

const POINTER_SIZE = 8;

export function cString(ffi: ForeignFunctions, text: string | Buffer): CMemory {
	const bytes = typeof text === "string" ? Buffer.from(text) : text;
	const buffer = Buffer.alloc(bytes.length + 1);
	bytes.copy(buffer);
	return { address: ffi.address(buffer), memory: [buffer] };
}

/** A list of texts with a null pointer at its end. */
export function cStrings(
	ffi: ForeignFunctions,
	texts: readonly (string | Buffer)[],
): CMemory {
	const strings = texts.map((text) => cString(ffi, text));
	const list = Buffer.alloc((strings.length + 1) * POINTER_SIZE);
	strings.forEach(({ address }, index) => {
		list.writeBigUInt64LE(address, index * POINTER_SIZE);
	});
	return {
		address: ffi.address(list),
		memory: [list, ...strings.flatMap(({ memory }) => memory)],
	};
}
