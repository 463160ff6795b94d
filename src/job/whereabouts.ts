/** Where a job was when it had to be ended: the answer to "what is it doing?". */
import type { KernelState } from "../os/kernel-state.ts";
import type { ProcessInfo } from "../os/processes.ts";

/** One line of a JavaScript stack. */
export interface Frame {
	readonly function: string;
	/** Path, or a name such as `node:fs`. */
	readonly file: string;
	/** 1-based. Of the innermost frame the line that runs, of all others the one where the function begins. */
	readonly line?: number;
}

export type Whereabouts =
	/** In JavaScript code. The innermost frame stands first; at least one. */
	| { readonly type: "javascript"; readonly stack: readonly Frame[] }
	/** In no code: the thread waits for something asynchronous. */
	| { readonly type: "idle" }
	/** It gave no answer: in native code, or starved. This is what /proc shows. */
	| ({ readonly type: "native" } & KernelState)
	| ({
			readonly type: "process";
			readonly pid: number;
			readonly command: string;
			/** Who else of its process group was alive, as far as it can be seen; twenty at the most. */
			readonly others: readonly ProcessInfo[];
	  } & KernelState);

const STATES: Readonly<Record<string, string>> = {
	R: "running",
	S: "sleeping",
	D: "in uninterruptible sleep",
	T: "stopped",
	t: "stopped by a debugger",
	Z: "a zombie",
};

/** The whereabouts for a reader: `in flush (/app/jobs/mailer.ts:42)`, `in native code: openat`. */
export function describeWhereabouts(where: Whereabouts): string {
	switch (where.type) {
		case "javascript": {
			const frame = where.stack.find(isOfUser) ?? where.stack[0];
			return frame
				? `in ${frame.function} (${frame.line === undefined ? frame.file : `${frame.file}:${frame.line}`})`
				: "in JavaScript";
		}
		case "idle":
			return "waiting for something asynchronous";
		case "native":
			return where.call === undefined
				? `${describeKernelState(where)}, and gave no answer in time`
				: `in native code: ${describeKernelState(where)}`;
		case "process":
			return `${describeKernelState(where)}: ${where.command}${describeOthers(where.others)}`;
	}
}

/** So many of a process group are named in a line. */
const NAMED = 3;

function describeOthers(others: readonly ProcessInfo[]): string {
	const words = others
		.slice(0, NAMED)
		.map(({ pid, command }) => `, ${pid} (${command})`);
	const more = others.length - NAMED;
	if (more > 0) words.push(`, and ${more} more`);
	return words.join("");
}

/** Internals of Node.js say little; who called them says it all. */
function isOfUser({ file }: Frame): boolean {
	return file !== "" && !file.startsWith("node:");
}

function describeKernelState({ state, call, waitsIn }: KernelState): string {
	const details = [call, waitsIn && `in the kernel's ${waitsIn}`].filter(
		(detail) => detail !== undefined,
	);
	return [STATES[state] ?? state, ...details].join(", ");
}
