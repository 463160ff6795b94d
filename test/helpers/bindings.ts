/** The ways to reach the C library, and the flags of Node.js that lead to each. */
import { isBuiltin } from "node:module";
import { join } from "node:path";

/** Node.js 24 has no node:ffi that could be turned off. */
const hasFfi = isBuiltin("node:ffi");
const WITH_KOFFI: readonly string[] = hasFfi ? ["--no-experimental-ffi"] : [];

/** Neither node:ffi nor koffi loads. */
export const WITHOUT_BINDING: readonly string[] = [
	...WITH_KOFFI,
	"--import",
	join(import.meta.dirname, "../fixtures/no-binding.ts"),
];

/** Each binding that this Node.js has, once: the one that lastcall takes by itself comes first. */
export const BINDINGS: readonly (readonly [name: string, flags: readonly string[]])[] = [
	...(hasFfi ? ([["node:ffi", []]] as const) : []),
	["koffi", WITH_KOFFI],
];
