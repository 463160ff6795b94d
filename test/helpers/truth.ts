/** Random services, stopped at a random moment, and what is seen of their stop from outside. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "../../src/base/errors.ts";
import { isSuccess, type JobExit, wasKilled } from "../../src/job/job.ts";
import type { Event, StopReport } from "../../src/supervisor/events.ts";
import type { TruthData } from "../fixtures/jobs/truth.ts";
import { makeDirectory } from "./directory.ts";
import { parseEvents } from "./events.ts";
import { fixture, type Lastcall, startLastcall } from "./lastcall.ts";
import { program, shell } from "./programs.ts";
import type { Random } from "./random.ts";

const member = (seconds: number | "deaf") => program("member.sh", seconds).join(" ");

/** A job of a random kind. */
function randomJob(random: Random, folder: string, name: string): object {
	const seconds = () => random.between(0, 30) / 100;
	const ms = () => random.between(0, 300);
	const common = {
		essential: random.next() < 0.3,
		stopTimeout: `${random.between(50, 500)}ms`,
		...(random.next() < 0.3 && { restart: "on-failure", restartDelay: "10ms", maxRestarts: 3 }),
	};
	const thread = (more: Partial<TruthData> = {}) => ({
		...common,
		thread: fixture("truth"),
		data: { file: join(folder, "last"), stopMs: ms(), ...more },
	});
	const process = (script: string) => ({ ...common, command: shell(script) });
	const kinds = [
		// A leader that dies at once, and what it leaves behind.
		() => process(`${member(seconds())} & ${member(seconds())} & echo up; wait`),
		// One that ends before, with or after the others.
		() => process(`${member(seconds())} & exec ${member(seconds())}`),
		() => process(`${member("deaf")} & exec ${member(seconds())}`),
		() => process(`exec ${member("deaf")}`),
		// One that fails, or ends well, and leaves a worker.
		() => process(`${member(seconds())} & sleep ${seconds()}; exit ${random.between(0, 3)}`),
		() => process(`${member("deaf")} & sleep ${seconds()}; exit 1`),
		() => thread(),
		() => thread({ fifo: join(folder, `fifo-${name}`) }),
		() => thread({ failsAfterMs: ms() }),
		() => thread({ failsAfterMs: ms(), fifo: join(folder, `fifo-${name}`) }),
	];
	return (kinds[random.between(0, kinds.length)] ?? thread)();
}

/** Stops a random service once, and throws where what it says and what is seen from outside do not agree. */
export async function stopRandomService(random: Random): Promise<void> {
	using folder = makeDirectory();
	const names = ["a", "b", "c", "d", "e"].slice(0, random.between(1, 6));
	const jobs = Object.fromEntries(names.map((name) => [name, randomJob(random, folder.path, name)]));
	const afterMs = random.between(0, 400);
	await using lastcall = await startLastcall({
		// Time for the report to get out: here standard output is a socket, and a starved machine is slow to write to it.
		stopTimeout: "10s",
		jobs,
	});
	const witness = new Witness(lastcall, join(folder.path, "last"));
	await lastcall.waitFor("init.started");
	await new Promise((resolve) => setTimeout(resolve, afterMs));
	// It may have ended by itself.
	attempt(() => lastcall.kill("SIGTERM"));
	const { code } = await lastcall.exit();
	const service = JSON.stringify(jobs);
	assert.deepEqual(witness.lies, [], `${service}\n${lastcall.lines.text}`);
	assert.match(
		lastcall.lines.text,
		/"event":"stop.finished"/,
		`it ended with ${code} and without a report: ${service}\n${lastcall.lines.text}`,
	);
	const { report } = lastcall.event("stop.finished");
	assert.equal(code, report.exitCode, service);
	const exits = exitsOfStop(report);
	const killed = exits.some(wasKilled) || report.stragglers.forced;
	assert.equal(code === 124, killed, lastcall.lines.text);
	const isClean = !killed && exits.every(isSuccess);
	assert.equal(code === 0, isClean, lastcall.lines.text);
}

/** What had ended before the stop does not count, unless its end was the reason. */
function exitsOfStop({ reason, jobs }: StopReport): JobExit[] {
	const stops = reason.type === "idle" ? jobs : jobs.filter(({ endedBefore }) => !endedBefore);
	const exits = stops.map(({ exit }) => exit);
	return reason.type === "job" ? [...exits, reason.exit] : exits;
}

/** Looks, at each line that says that a job has joined, whether it is so. */
class Witness {
	readonly lies: string[] = [];
	readonly #lastcall: Lastcall;
	readonly #file: string;
	readonly #namespace: string;
	#seen = 0;

	constructor(lastcall: Lastcall, file: string) {
		this.#lastcall = lastcall;
		this.#file = file;
		this.#namespace = namespaceOf(lastcall.pid) ?? "";
		lastcall.lines.onLines(() => this.#look());
	}

	#look(): void {
		const { all } = this.#lastcall.lines;
		const events = parseEvents(all.slice(this.#seen));
		this.#seen = all.length;
		const threads = new Set(
			this.#lastcall.events
				.filter((event) => event.type === "job.started")
				.filter(({ kind }) => kind === "thread")
				.map(({ job, id }) => `${job} ${id}`),
		);
		for (const event of events)
			if (event.type === "job.exited" && event.id !== 0) this.#check(event, threads.has(`${event.job} ${event.id}`));
	}

	#check({ job, id, exit }: Extract<Event, { type: "job.exited" }>, isThread: boolean): void {
		if (wasKilled(exit)) return;
		const said = `${job} ${id}: ${exit.outcome}`;
		if (!isThread) {
			for (const process of this.#aliveIn(id)) this.lies.push(`${said}, but ${process} is alive`);
			return;
		}
		const last = attempt(() => readFileSync(this.#file, "utf8")) ?? "";
		if (!last.split("\n").includes(`${job} ${id}`)) this.lies.push(`${said}, but its function has not ended`);
	}

	/** Who is alive in a process group of its PID namespace. */
	#aliveIn(group: number): string[] {
		return readdirSync("/proc")
			.filter((entry) => /^\d+$/.test(entry))
			.filter((pid) => namespaceOf(Number(pid)) === this.#namespace)
			.filter((pid) => {
				const read = () => readFileSync(`/proc/${pid}/status`, "utf8");
				const status = attempt(read) ?? "State:\tX";
				if (/^State:\s+[XZ]/m.test(status)) return false;
				const groups = /^NSpgid:\s+(.*)$/m.exec(status)?.[1] ?? "";
				return Number(groups.split("\t").at(-1)) === group;
			})
			.map((pid) => attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? pid);
	}
}

function namespaceOf(pid: number): string | undefined {
	return attempt(() => readlinkSync(`/proc/${pid}/ns/pid`));
}
