import { readFileSync } from "node:fs";
import { canServe, sizeOf, withService } from "../contestants/service.ts";
import type { Contestant, IdleService } from "../lib/contestant.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import { HAND_WRITTEN, inTypeScript, isVariant, LASTCALL_REGISTER, LASTCALL_RUN, prepared } from "../lib/names.ts";
import { pause } from "../lib/pause.ts";
import { type Aim, atLeast, atMost, type Row } from "../lib/result.ts";
import { median } from "../lib/statistics.ts";
import type { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const THREADS = [1, 2, 8, 32, 64, 256];
const PROCESSES = [1, 2, 10, 100, 500, 1_000];
/** To start and stop as many takes up to half a minute: a turn of three has to do. */
const MANY = 64;
const RARELY = 3;
const QUICK = { threads: [2, 16], processes: [2, 50] };
/** Docker's: who is not gone by then would have been killed. */
const GRACE_MS = 10_000;
/** As long as the slowest poll among the contestants: the moment of the signal is to be a random one of its period. */
const WAIT_MS = 500;
const LIMIT_MS = 30;
const OURS = [LASTCALL_RUN, inTypeScript(LASTCALL_RUN), LASTCALL_REGISTER];

/** A contestant with a service of one size. */
interface Player {
	readonly contestant: Contestant;
	readonly service: IdleService;
	/** For instance "8 threads". */
	readonly size: string;
}

interface Stop {
	readonly ms: number;
	readonly exitCode: number;
	readonly killed: boolean;
}

export const measure: Measure = {
	name: "stop",
	async run(circumstances) {
		const { contestants, quick, say } = circumstances;
		const turns = turnsOf(circumstances, 7);
		const threads = quick ? QUICK.threads : THREADS;
		const processes = quick ? QUICK.processes : PROCESSES;
		const players = contestants.flatMap((contestant) => [
			...threads.flatMap((count) => playersOf(contestant, count, 0)),
			...processes.flatMap((count) => playersOf(contestant, 0, count)),
		]);

		const samples = new Samples();
		await takeTurns(players, turns, async (player, turn) => {
			const { contestant, service, size } = player;
			if (service.threads + service.processes > MANY && turn % RARELY > 0) return;
			const { name } = contestant;
			say(`turn ${turn + 1} of ${turns}: ${name}, ${size}`);
			const found = await withService(contestant, service, stop);
			samples.add(`${name}, ${size}`, found.ms);
			samples.add(`${name}, killed`, Number(found.killed));
			samples.add(`${name}, exit code`, found.exitCode);
		});

		const taking = [...new Set(players.map(({ contestant }) => contestant))];
		const rows = taking.map((contestant): Row => {
			const own = players.filter((player) => player.contestant === contestant);
			return {
				contestant: contestant.name,
				values: {
					...timesOf(own.filter(hasThreads), samples, "ms per thread"),
					...timesOf(
						own.filter((player) => !hasThreads(player)),
						samples,
						"ms per process",
					),
					"exit code": Math.max(...samples.of(`${contestant.name}, exit code`)),
					killed: samples.of(`${contestant.name}, killed`).reduce((sum, killed) => sum + killed, 0),
				},
			};
		});
		return {
			measure: "stop",
			title: "From SIGTERM to the end of PID 1",
			method: `Milliseconds for services of idle members: threads that wait for their flag, processes (a program in C) that wait for SIGTERM. The signal comes at a random moment of half a second after all members are up. ${turns} turns, one contestant after the other, a third of them for more than ${MANY} members; medians, the longest in brackets; "ms per thread" and "ms per process" are the slope of a straight line through the medians. Who is not gone after ${GRACE_MS / 1_000} s counts as killed.`,
			chart: "2 threads",
			rows,
			aims: aimsOf(rows),
			absent: absentOf(contestants, taking),
		};
	},
};

/** None where the contestant has no such members. */
function playersOf(contestant: Contestant, threads: number, processes: number): Player[] {
	// The same service below one more init or supervisor: what that adds does not depend on the size. Nor does what a variant adds.
	if ((isHosted(contestant) || isVariant(contestant.name)) && threads !== 2) return [];
	const service = { threads, processes };
	if (!canServe(contestant, service)) return [];
	return [{ contestant, service, size: sizeOf(service) }];
}

function isHosted({ name }: Contestant): boolean {
	return name.endsWith(`+ ${HAND_WRITTEN}`);
}

function hasThreads({ service }: Player): boolean {
	return service.threads > 0;
}

async function stop(running: Stopwatch): Promise<Stop> {
	await pause(Math.random() * WAIT_MS);
	try {
		const ms = await running.terminate(GRACE_MS);
		return { ms, exitCode: exitCodeOf(running.pid), killed: false };
	} catch (error) {
		// It waited that long, or something else is wrong.
		if (!isThere(running.pid)) throw error;
		return { ms: GRACE_MS, exitCode: 137, killed: true };
	}
}

/** Of a dead process that is not collected yet: the last field of /proc/PID/stat, as wait(2) has it. */
function exitCodeOf(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, "latin1").trimEnd();
	const status = Number(stat.slice(stat.lastIndexOf(" ")));
	const signal = status & 0x7f;
	return signal === 0 ? status >> 8 : 128 + signal;
}

function isThere(pid: number): boolean {
	return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

function timesOf(players: readonly Player[], samples: Samples, perMember: string): Record<string, number> {
	const values: Record<string, number> = {};
	const points: [members: number, ms: number][] = [];
	for (const { contestant, service, size } of players) {
		const times = samples.of(`${contestant.name}, ${size}`);
		values[size] = median(times);
		values[`${size} (max)`] = Math.max(...times);
		points.push([service.threads + service.processes, median(times)]);
	}
	if (points.length > 1) values[perMember] = slope(points);
	return values;
}

/** Of the straight line with the least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
	const mean = (index: 0 | 1) => points.reduce((sum, point) => sum + point[index], 0) / points.length;
	const [x0, y0] = [mean(0), mean(1)];
	const sum = (of: (x: number, y: number) => number) => points.reduce((total, [x, y]) => total + of(x - x0, y - y0), 0);
	return sum((x, y) => x * y) / sum((x) => x * x);
}

function aimsOf(rows: readonly Row[]): Aim[] {
	const of = (contestant: string, column: string) => rows.find((row) => row.contestant === contestant)?.values[column];
	const aims: Aim[] = [];
	for (const name of OURS) {
		const pair = of(name, "2 threads");
		if (pair === undefined) continue;
		aims.push(atMost(`${name}: 2 idle threads in at most ${LIMIT_MS} ms`, pair, LIMIT_MS));
		for (const [few, many] of [
			["32 threads", "64 threads"],
			["64 threads", "256 threads"],
			["100 processes", "500 processes"],
			["500 processes", "1000 processes"],
		] as const) {
			const [less, more] = [of(name, few), of(name, many)];
			if (less === undefined || more === undefined) continue;
			const times = Number.parseInt(many, 10) / Number.parseInt(few, 10);
			aims.push(atMost(`${name}: ${many} at most ${times} × as long as ${few}`, more / less, times));
		}
	}
	for (const size of ["2 threads", "2 processes"]) {
		for (const { contestant, values } of rows) {
			const theirs = values[size];
			const name = likeOf(contestant);
			const ours = of(name, size);
			if (theirs === undefined || ours === undefined || contestant.startsWith("lastcall")) continue;
			aims.push(atLeast(`${contestant}: slower than ${name}, ${size.replace(" ", " idle ")}, ms`, theirs, ours));
		}
	}
	return aims;
}

/** lastcall with jobs in the same language. */
function likeOf(contestant: string): string {
	const inTs = inTypeScript(LASTCALL_RUN);
	if (contestant.endsWith(prepared(inTypeScript("")))) return prepared(inTs);
	return contestant.endsWith(inTypeScript("")) ? inTs : LASTCALL_RUN;
}

function absentOf(contestants: readonly Contestant[], taking: readonly Contestant[]): Record<string, string> {
	const absent: Record<string, string> = {};
	for (const contestant of contestants)
		if (!taking.includes(contestant))
			absent[contestant.name] = contestant.serve
				? "has no such service"
				: "runs one program: its stop is that program's";
	return absent;
}
