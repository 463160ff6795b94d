/** Who comes first when processors are short. */
import { constants, setPriority } from "node:os";
import { attempt } from "../errors.ts";

/**
 * Lowers a thread, or the main thread of a process, to the lowest priority: setpriority(2). That needs no right; to raise it again
 * would need one. So it is for what is to be killed.
 *
 * @param id Of a thread, or of a process.
 */
export function giveWay(id: number): void {
	attempt(() => setPriority(id, constants.priority.PRIORITY_LOW));
}
