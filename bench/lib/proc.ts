/** What the kernel tells of a process. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
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

/** All processes in the PID namespace of this one, itself among them. */
export function namespaceOf(pid: number): number[] {
	const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name) && attempt(() => readlinkSync(`/proc/${name}/ns/pid`)) === namespace)
		.map(Number);
}

/** How often threads have given up a processor: by themselves, to wait, or because another one was to have it. */
export interface Switches {
	readonly voluntary: number;
	readonly involuntary: number;
}

/** Of each thread of a process, by its id. */
export function contextSwitches(pid: number): ReadonlyMap<string, Switches> {
	const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
	return new Map(
		threads.map((thread) => {
			const status = read(`/proc/${pid}/task/${thread}/status`);
			const of = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+)$`, "m").exec(status)?.[1] ?? 0);
			return [thread, { voluntary: of("voluntary_ctxt_switches"), involuntary: of("nonvoluntary_ctxt_switches") }];
		}),
	);
}

/** Children that are dead and not collected. */
export function zombiesOf(pid: number): number {
	const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
		read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean),
	);
	// Behind the name, which may have anything in it.
	return children.filter((child) => /\) Z [^)]*$/.test(read(`/proc/${child}/stat`))).length;
}
