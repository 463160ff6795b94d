/** Machine code for signal handlers: no JavaScript may run in one. */
import type { ForeignFunctions } from "../ffi/ffi.ts";

const PAGE = 4_096n;
const PROT_READ_WRITE = 0x3;
const PROT_READ_EXEC = 0x5;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** @param code Bytes in hexadecimal; with an address behind them, which becomes the instruction's operand. */
export function x64(...code: (string | readonly [string, bigint])[]): Buffer {
	const parts = code.map((part) => {
		const [bytes, operand] = typeof part === "string" ? [part] : part;
		const opcode = Buffer.from(bytes.replaceAll(" ", ""), "hex");
		if (operand === undefined) return opcode;
		const address = Buffer.alloc(8);
		address.writeBigUInt64LE(operand);
		return Buffer.concat([opcode, address]);
	});
	return Buffer.concat(parts);
}

/** @param code Instructions that find the address in x9. Their number is even: the address behind them is aligned. */
export function arm64(data: bigint, code: readonly number[]): Buffer {
	// ldr x9, <behind the code>; nop
	const all = [0x58000009 | ((code.length + 2) << 5), 0xd503201f, ...code];
	const bytes = Buffer.alloc(all.length * 4 + 8);
	all.forEach((word, index) => {
		bytes.writeUInt32LE(word, index * 4);
	});
	bytes.writeBigUInt64LE(data, all.length * 4);
	return bytes;
}

/** The address of a page with this code; `undefined` where a policy refuses it. */
export function makePage(ffi: ForeignFunctions, code: Buffer): bigint | undefined {
	const mmap = ffi.bind("mmap", "ulong", ["ulong", "ulong", "int", "int", "int", "ulong"]);
	const mprotect = ffi.bind("mprotect", "int", ["pointer", "ulong", "int"]);
	const memcpy = ffi.bind("memcpy", "pointer", ["pointer", "pointer", "ulong"]);
	const page = BigInt(mmap(0n, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n));
	// MAP_FAILED is odd.
	if (page % PAGE !== 0n) return undefined;
	memcpy(page, ffi.address(code), BigInt(code.length));
	// Never writable and executable at once. On arm64 this is where the kernel makes the code visible to the instruction cache.
	return mprotect(page, PAGE, PROT_READ_EXEC) === 0 ? page : undefined;
}
