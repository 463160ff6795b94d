import { readFileSync } from "node:fs";
import { attempt } from "../../src/base/errors.ts";
import { bareApp, registeredApp } from "../contestants/idle-app.ts";
import { canServe, sizeOf, withService } from "../contestants/service.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import {
	BARE_NODE,
	HAND_WRITTEN,
	HAND_WRITTEN_PINO,
	inTypeScript,
	LASTCALL_REGISTER,
	LASTCALL_RUN,
	prepared,
	TINI,
} from "../lib/names.ts";
import { pause } from "../lib/pause.ts";
import { namespaceOf } from "../lib/proc.ts";
import { type Aim, atMost, type Row } from "../lib/result.ts";
import { median } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const IDLE_MS = 10_000;
/** lastcall gives back two seconds after the start what only that needed. */
const QUICK_IDLE_MS = 3_000;
/** So many wait side by side when it is to be quick. */
const SIDE_BY_SIDE = 6;
/** What the others are compared with in. */
const PAIR: IdleService = { threads: 2, processes: 0 };
/** One process: without a job there is nothing to run. */
const SERVICES: readonly IdleService[] = [
	{ threads: 0, processes: 1 },
	{ threads: 1, processes: 0 },
	PAIR,
	{ threads: 8, processes: 0 },
	{ threads: 32, processes: 0 },
];
const ADDED_MB = 2;
/** As far as two series of the same thing lie apart. */
const LOGGING_TOO = 1.02;

/** Megabytes (10⁶ bytes). */
const FIGURES = { "private dirty, MB": "Private_Dirty", "PSS, MB": "Pss", "RSS, MB": "Rss" } as const;
type Figure = keyof typeof FIGURES;
const JUDGED: readonly Figure[] = ["private dirty, MB", "RSS, MB"];

type Found = Record<Figure | "processes", number>;

/** Something that is up, and what it needs after so many milliseconds. */
interface Subject {
	readonly name: string;
	look(idleMs: number): Promise<Found>;
}

export const measure: Measure = {
	name: "memory",
	async run(circumstances) {
		const { contestants, quick, say } = circumstances;
		const turns = turnsOf(circumstances, 3);
		const idleMs = quick ? QUICK_IDLE_MS : IDLE_MS;
		const subjects = [...contestants.flatMap(wrapping), ...contestants.flatMap(serving), ...apps(contestants)];

		const samples = new Samples();
		const groups = chunk(subjects, quick ? SIDE_BY_SIDE : 1);
		await takeTurns(groups, turns, async (group, turn) => {
			say(`turn ${turn + 1} of ${turns}: ${group.map(({ name }) => name).join("; ")}`);
			await Promise.all(
				group.map(async ({ name, look }) => {
					const found = await look(idleMs);
					for (const [column, value] of Object.entries(found)) samples.add(key(name, column), value);
				}),
			);
		});

		const rows = subjects.map(
			({ name }): Row => ({
				contestant: name,
				values: Object.fromEntries(
					[...Object.keys(FIGURES), "processes"].map((column) => [column, median(samples.of(key(name, column)))]),
				),
			}),
		);
		return {
			measure: "memory",
			title: "Memory of an idle container",
			method: `Summed over all processes of the PID namespace, from smaps_rollup, ${idleMs / 1_000} s after the last member was up; ${quick ? `${SIDE_BY_SIDE} contestants side by side (PSS is too low)` : "one contestant at a time"}, with a copy of the Node.js binary that nothing else runs. ${turns} turns, medians. The processes that are waited for are programs in C of less than 0.1 MB.`,
			chart: "PSS, MB",
			rows,
			aims: aimsOf(rows),
			absent: {},
		};
	},
};

function chunk<Item>(items: readonly Item[], size: number): Item[][] {
	return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
		items.slice(index * size, (index + 1) * size),
	);
}

function key(name: string, column: string): string {
	return `${name}\n${column}`;
}

/** Around one program in C. */
function wrapping(contestant: Contestant): Subject[] {
	const launch = contestant.wrap?.([helper("first")]);
	return launch ? [alone(`${contestant.name}: one program`, launch)] : [];
}

function serving(contestant: Contestant): Subject[] {
	const ours = [LASTCALL_RUN, inTypeScript(LASTCALL_RUN)].includes(contestant.name);
	return (ours ? SERVICES : [PAIR])
		.filter((service) => canServe(contestant, service))
		.map((service) => ({
			name: named(contestant.name, service),
			look: (idleMs) => withService(contestant, service, (running) => idle(running, idleMs)),
		}));
}

function named(contestant: string, service: IdleService): string {
	return `${contestant}: ${sizeOf(service)}`;
}

const BARE_APP = `${BARE_NODE}: an empty app`;
const REGISTERED_APP = `${LASTCALL_REGISTER}: an empty app`;

function apps(contestants: readonly Contestant[]): Subject[] {
	if (!contestants.some(({ name }) => name === LASTCALL_REGISTER)) return [];
	return [alone(BARE_APP, bareApp()), alone(REGISTERED_APP, registeredApp())];
}

/** It says once that it is up. */
function alone(name: string, launch: Launch): Subject {
	return {
		name,
		async look(idleMs) {
			await using running = await Stopwatch.start(launch);
			await running.stamps(1);
			return await idle(running, idleMs);
		},
	};
}

async function idle(running: Stopwatch, ms: number): Promise<Found> {
	await pause(ms);
	return memoryOf(running.pid);
}

/** Of all processes that are in the PID namespace of this one. */
export function memoryOf(pid: number): Found {
	const rollups = namespaceOf(pid)
		// One may end just now.
		.map((member) => attempt(() => readFileSync(`/proc/${member}/smaps_rollup`, "latin1")))
		.filter((text) => text !== undefined);
	const sum = (field: string) =>
		rollups
			.map((text) => new RegExp(`^${field}: *(\\d+) kB$`, "m").exec(text)?.[1])
			.reduce((total, kibibytes) => total + Number(kibibytes ?? 0) * 1024, 0) / 1_000_000;
	return {
		"private dirty, MB": sum(FIGURES["private dirty, MB"]),
		"PSS, MB": sum(FIGURES["PSS, MB"]),
		"RSS, MB": sum(FIGURES["RSS, MB"]),
		processes: rollups.length,
	};
}

function aimsOf(rows: readonly Row[]): Aim[] {
	const of = (contestant: string) => rows.find((row) => row.contestant === contestant)?.values;
	const aims: Aim[] = [];
	const bare = of(BARE_APP);
	const registered = of(REGISTERED_APP);
	const pair = named(LASTCALL_RUN, PAIR);
	const usual = named(`${TINI} + ${HAND_WRITTEN}`, PAIR);
	const logging = named(HAND_WRITTEN_PINO, PAIR);
	for (const figure of JUDGED) {
		const added = (registered?.[figure] ?? 0) - (bare?.[figure] ?? 0);
		if (bare && registered)
			aims.push(
				atMost(`${LASTCALL_REGISTER} adds at most ${ADDED_MB} MB to an empty app (${figure})`, added, ADDED_MB),
			);
		const found = of(pair)?.[figure];
		const limit = of(usual)?.[figure];
		if (found !== undefined && limit !== undefined)
			aims.push(atMost(`${pair}: below ${usual} (${figure})`, found, limit));
	}
	const figure = "private dirty, MB";
	const found = of(pair)?.[figure];
	const theirs = of(logging)?.[figure];
	if (found !== undefined && theirs !== undefined)
		aims.push(atMost(`${pair}: at most ${LOGGING_TOO} × ${logging} (${figure})`, found / theirs, LOGGING_TOO));
	const inTs = inTypeScript(LASTCALL_RUN);
	for (const [ours, peer] of [
		[inTs, inTypeScript(HAND_WRITTEN)],
		[prepared(inTs), prepared(inTypeScript(HAND_WRITTEN_PINO))],
	] as const)
		for (const figure of JUDGED) {
			const found = of(named(ours, PAIR))?.[figure];
			const theirs = of(named(peer, PAIR))?.[figure];
			if (found !== undefined && theirs !== undefined)
				aims.push(
					atMost(
						`${named(ours, PAIR)}: at most ${LOGGING_TOO} × ${named(peer, PAIR)} (${figure})`,
						found / theirs,
						LOGGING_TOO,
					),
				);
		}
	return aims;
}
