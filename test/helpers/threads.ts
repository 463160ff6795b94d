import { readdirSync, readFileSync } from "node:fs";
import { attempt } from "../../src/base/errors.ts";
import { until } from "./until.ts";

const LOOKS = 20;

/** Waits until a named thread of a process is blocked: it sleeps, and has used no CPU for twenty looks in a row. */
export async function untilBlocked(pid: number, name: string): Promise<void> {
	let last = "";
	let same = 0;
	await until(() => {
		const stat = threadStat(pid, name);
		same = stat === last && stat.startsWith("S") ? same + 1 : 0;
		last = stat;
		return same === LOOKS;
	}, `thread ${name} of process ${pid} is blocked`);
}

/** State and CPU ticks of a thread: proc_pid_stat(5). */
function threadStat(pid: number, name: string): string {
	const tasks = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
	for (const task of tasks) {
		const stat = attempt(() => readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8"));
		const [, fields] = stat?.split(`(${name}) `) ?? [];
		const [state, ...rest] = fields?.split(" ") ?? [];
		if (state) return `${state} ${rest[10]} ${rest[11]}`;
	}
	return "";
}
