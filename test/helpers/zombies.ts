import { listStates } from "../../src/os/processes/processes.ts";

/** Zombies among the children of a process. */
export function zombies(of: number): number {
	return listStates().filter(({ parent, state }) => parent === of && state === "Z").length;
}
