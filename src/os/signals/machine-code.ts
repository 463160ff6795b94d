/** Machine code for signal handlers, in which no JavaScript may run. */
import type { ForeignFunctions } from "../ffi/ffi.ts";

const PAGE = 4_096n;
const PROT_READ_WRITE = 0x3;
const PROT_READ_EXEC = 0x5;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/**
 * @param data An address, which the instructions find in rax.
 * @param code Instructions in hexadecimal.
 */
export function x64(data: bigint, code: readonly string[]): Buffer {
	const mov = "48b8"; // rax, data
	const bytes = Buffer.from(mov + "00".repeat(8) + code.join("").replaceAll(" ", ""), "hex");
	bytes.writeBigUInt64LE(data, 2);
	return bytes;
}

/**
 * @param data An address, which the instructions find in x9. It is stored behind them.
 * @param code Instructions. Their number is even: the address has to be aligned.
 */
export function arm64(data: bigint, code: readonly number[]): Buffer {
	// ldr x9, <behind the code>; nop
	const all = [0x58000009 | ((code.length + 2) << 5), 0xd503201f, ...code];
	const bytes = Buffer.alloc(all.length * 4 + 8);
	for (const [index, word] of all.entries()) bytes.writeUInt32LE(word, index * 4);
	bytes.writeBigUInt64LE(data, all.length * 4);
	return bytes;
}

/** Makes an executable page with this code. Returns its address; `undefined` where a security policy forbids it. */
export function makePage(ffi: ForeignFunctions, code: Buffer): bigint | undefined {
	const mmap = ffi.bind("mmap", "ulong", ["ulong", "ulong", "int", "int", "int", "ulong"]);
	const mprotect = ffi.bind("mprotect", "int", ["pointer", "ulong", "int"]);
	const memcpy = ffi.bind("memcpy", "pointer", ["pointer", "pointer", "ulong"]);
	const page = BigInt(mmap(0n, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n));
	// MAP_FAILED is odd.
	if (page % PAGE !== 0n) return undefined;
	memcpy(page, ffi.address(code), BigInt(code.length));
	// Never writable and executable at once. On arm64 mprotect(2) also makes the code visible to the instruction cache.
	return mprotect(page, PAGE, PROT_READ_EXEC) === 0 ? page : undefined;
}
