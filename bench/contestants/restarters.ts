/** One job that is stopped and started again, by everybody who can: what a job costs. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { HAND_WRITTEN, inTypeScript, LASTCALL_RUN } from "../lib/names.ts";
import { pause } from "../lib/pause.ts";
import type { Stopwatch } from "../lib/stopwatch.ts";
import { peersDirectory } from "../peers/install.ts";
import { nodeProgram } from "./node.ts";

const RESTART = constants.signals.SIGUSR2;
const BOUND_MS = 20_000;

type Member = "thread" | "process";

export interface Restarter {
	readonly name: string;
	/** Whether it restarts its job thousands of times, too, to see what that leaves behind. */
	readonly often?: boolean;
	/** May write into the directory, which is empty. */
	launch(directory: string): Launch;
	/** Milliseconds from the request to the first line of the job's next run. */
	restart(running: Stopwatch, directory: string): Promise<number>;
}

/** Those that one of these contestants stands for. */
export function findRestarters(contestants: readonly Contestant[]): Restarter[] {
	const all: readonly (readonly [contestant: string, Restarter])[] = [
		[LASTCALL_RUN, ofRun(contestants, LASTCALL_RUN, "thread")],
		[inTypeScript(LASTCALL_RUN), ofRun(contestants, inTypeScript(LASTCALL_RUN), "thread")],
		[HAND_WRITTEN, byProgram(HAND_WRITTEN, "thread", "threads.mjs", { often: true })],
		[inTypeScript(HAND_WRITTEN), byProgram(inTypeScript(HAND_WRITTEN), "thread", "threads.ts")],
		["Bree", byProgram("Bree", "thread", "bree")],
		["Bree", byProgram("piscina, a task in a thread that stays", "thread", "piscina")],
		[LASTCALL_RUN, ofRun(contestants, LASTCALL_RUN, "process")],
		[HAND_WRITTEN, byProgram(HAND_WRITTEN, "process", "child_process")],
		[HAND_WRITTEN, byProgram("execa alone", "process", "execa", { often: true })],
	];
	const names = contestants.map(({ name }) => name);
	return all.filter(([contestant]) => names.includes(contestant)).map(([, restarter]) => restarter);
}

/** Of programs/restart.mjs, which restarts at a signal. */
function byProgram(name: string, member: Member, kind: string, often: Pick<Restarter, "often"> = {}): Restarter {
	const command = nodeProgram("restart.mjs", kind, peersDirectory, helper("first"));
	return { name: `${name}: a ${member}`, ...often, launch: () => ({ command }), restart: bySignal };
}

async function bySignal(running: Stopwatch): Promise<number> {
	const us = await running.signal(RESTART, BOUND_MS);
	if (us === undefined) throw new Error(`Expected a restart. The output: ${running.output}`);
	return us / 1_000;
}

/** The init listens once its first job has been started. */
async function open(path: string): Promise<Socket> {
	for (const end = performance.now() + BOUND_MS; ; await pause(5)) {
		const socket = connect(path);
		try {
			await once(socket, "connect");
			return socket;
		} catch (error) {
			if (performance.now() > end) throw error;
		}
	}
}

function serve(contestants: readonly Contestant[], wanted: string, service: IdleService, directory: string): Launch {
	const launch = contestants.find(({ name }) => name === wanted)?.serve?.(service, directory);
	if (!launch) throw new Error(`Expected ${wanted} to serve`);
	return launch;
}

/** `lastcall run`, over the init's socket. */
function ofRun(contestants: readonly Contestant[], contestant: string, member: Member): Restarter {
	const service = { threads: Number(member === "thread"), processes: Number(member === "process") };
	return {
		name: `${contestant}: a ${member}`,
		often: true,
		launch: (directory) => serve(contestants, contestant, service, directory),
		async restart(running, directory) {
			const socket = await open(join(directory, "lastcall.sock"));
			let answer = "";
			socket.setEncoding("latin1").on("data", (text) => (answer += text));
			const closed = once(socket, "close");
			const asked = process.hrtime.bigint();
			socket.write(`POST /jobs/${member}-0/restart HTTP/1.1\r\nhost: lastcall\r\nconnection: close\r\n\r\n`);
			const [stamp = 0n] = await running.stamps(1, BOUND_MS);
			await closed;
			if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(`Expected a restart, found the answer: ${answer}`);
			return Number(stamp - asked) / 1e6;
		},
	};
}
