/** What the kernel tells of a process. */
import { readdirSync, readFileSync } from "node:fs";
import { attempt } from "../../src/base/errors.ts";

function read(path: string): string {
	return attempt(() => readFileSync(path, "latin1")) ?? "";
}

/** Nanoseconds that the threads of a process have spent on a processor; without those that have ended. */
export function cpuNs(pid: number): number {
	return readdirSync(`/proc/${pid}/task`)
		.map((thread) => read(`/proc/${pid}/task/${thread}/schedstat`))
		.reduce((sum, text) => sum + Number(text.split(" ")[0]), 0);
}

/** Children that are dead and not collected. */
export function zombiesOf(pid: number): number {
	const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
		read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean),
	);
	// Behind the name, which may have anything in it.
	return children.filter((child) => /\) Z [^)]*$/.test(read(`/proc/${child}/stat`))).length;
}
