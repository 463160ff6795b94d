/** Who comes first when processors are short. */
import { constants, setPriority } from "node:os";
import { attempt } from "../errors.ts";

/**
 * Lowers a thread, or the main thread of a process, to where it runs only if nobody else wants the processor: setpriority(2). It
 * needs no right for that, and would need one to raise it again: for what is to be killed only.
 *
 * @param id Of a thread, or of a process.
 */
export function giveWay(id: number): void {
	attempt(() => setPriority(id, constants.priority.PRIORITY_LOW));
}
