import { constants, fstatSync, openSync } from "node:fs";
import { attempt } from "../errors.ts";

/** A descriptor that can be written to without blocking, or `undefined`. */
export function ownDescription(descriptor: number): number | undefined {
	// A file has no reader that could stall; and a second description would have an offset of its own: they would overwrite each other.
	if (attempt(() => fstatSync(descriptor).isFile())) return descriptor;
	const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants;
	return attempt(() =>
		openSync(
			`/proc/self/fd/${descriptor}`,
			O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND,
		),
	);
}
