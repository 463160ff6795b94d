import { makeDirectory } from "../../test/helpers/directory.ts";
import { bareApp, registeredApp } from "../contestants/idle-app.ts";
import { canServe, sizeOf } from "../contestants/service.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import {
	BARE_NODE,
	HAND_WRITTEN,
	inTypeScript,
	isVariant,
	LASTCALL,
	LASTCALL_REGISTER,
	LASTCALL_RUN,
	TINI,
} from "../lib/names.ts";
import { pause } from "../lib/pause.ts";
import { contextSwitches, namespaceOf, type Switches } from "../lib/proc.ts";
import { type Aim, atMost, type Row } from "../lib/result.ts";
import { median } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples } from "../lib/turns.ts";

/** By then V8 has collected what the start of a Node.js program left behind, for which its threads wake up some hundred times. */
const SETTLE_MS = 50_000;
const WINDOW_MS = 60_000;
const QUICK_SETTLE_MS = 35_000;
const QUICK_WINDOW_MS = 10_000;
/** A start beside all the others. */
const BOUND_MS = 60_000;
const MINUTE_MS = 60_000;

/** As far as two minutes of the same thing lie apart. */
const LIMIT = 1.1;

const SERVICES: readonly IdleService[] = [
	{ threads: 0, processes: 1 },
	{ threads: 1, processes: 0 },
];

/** What wakes up is the init: its program is in sigwait(3) for ever. */
interface Sleeper {
	readonly name: string;
	/** May write into the directory. */
	launch(directory: string): Launch;
}

function sleepersOf(contestant: Contestant): Sleeper[] {
	const { name, wrap } = contestant;
	// The hand-written main below an init or a supervisor has a row of its own, and so has that. Variants sleep as their like.
	if (name.endsWith(`+ ${HAND_WRITTEN}`) || isVariant(name)) return [];
	const services = SERVICES.filter((service) => canServe(contestant, service));
	const serving = services.map((service) => ({
		name: `${name}: ${sizeOf(service)}`,
		launch: (directory: string) => contestant.serve?.(service, directory) as Launch,
	}));
	if (!wrap || services.some(({ processes }) => processes > 0)) return serving;
	return [{ name: `${name}: one program`, launch: () => wrap([helper("first")]) }, ...serving];
}

const REGISTERED_APP = `${LASTCALL_REGISTER}: an empty app`;
const BARE_APP = `${BARE_NODE}: an empty app`;

function apps(contestants: readonly Contestant[]): Sleeper[] {
	const has = (wanted: string) => contestants.some(({ name }) => name === wanted);
	return [
		...(has(BARE_NODE) ? [{ name: BARE_APP, launch: bareApp }] : []),
		...(has(LASTCALL_REGISTER) ? [{ name: REGISTERED_APP, launch: registeredApp }] : []),
	];
}

export const measure: Measure = {
	name: "idle",
	async run(circumstances) {
		const { contestants, quick, say } = circumstances;
		const turns = turnsOf(circumstances, 2);
		const [settleMs, windowMs] = quick ? [QUICK_SETTLE_MS, QUICK_WINDOW_MS] : [SETTLE_MS, WINDOW_MS];
		const sleepers = [...contestants.flatMap(sleepersOf), ...apps(contestants)];

		const [voluntary, all, threads] = [new Samples(), new Samples(), new Samples()];
		for (let turn = 0; turn < turns; turn++) {
			say(`turn ${turn + 1} of ${turns}: ${sleepers.length} contestants asleep side by side`);
			for (const [name, found] of await watch(sleepers, settleMs, windowMs)) {
				voluntary.add(name, found.voluntary);
				all.add(name, found.voluntary + found.involuntary);
				threads.add(name, found.threads);
			}
		}

		const rows = sleepers.map(
			({ name }): Row => ({
				contestant: name,
				values: {
					"context switches a minute": median(all.of(name)),
					"of these voluntary": median(voluntary.of(name)),
					threads: median(threads.of(name)),
				},
			}),
		);
		return {
			measure: "idle",
			title: "Wake-ups of an idle container",
			method: `Context switches of all threads of all processes in the PID namespace (/proc/PID/task/TID/status), counted for ${windowMs / 1_000} s, from ${settleMs / 1_000} s after the last start on, per minute. All contestants are asleep side by side, since none of them needs a processor. ${turns} turns. A voluntary switch is a wait that began after a wake-up; the others come from what else the machine does. The program is one in C that waits for SIGTERM.`,
			chart: "of these voluntary",
			rows,
			aims: aimsOf(rows),
			absent: Object.fromEntries(
				contestants
					.filter((contestant) => sleepersOf(contestant).length === 0)
					.map(({ name }) => [name, "sleeps as what it is made of, or as its like"]),
			),
		};
	},
};

async function watch(sleepers: readonly Sleeper[], settleMs: number, windowMs: number) {
	await using stack = new AsyncDisposableStack();
	const asleep: { readonly name: string; readonly pid: number }[] = [];
	for (const { name, launch } of sleepers) {
		const directory = stack.use(makeDirectory());
		const running = stack.use(await Stopwatch.start(launch(directory.path)));
		await running.stamps(1, BOUND_MS);
		asleep.push({ name, pid: running.pid });
	}
	await pause(settleMs);
	const before = asleep.map(({ pid }) => look(pid));
	const began = performance.now();
	await pause(windowMs);
	const perMinute = MINUTE_MS / (performance.now() - began);
	return asleep.map(({ name, pid }, index) => {
		const now = look(pid);
		const found = { voluntary: 0, involuntary: 0, threads: now.size };
		for (const [thread, switches] of now) {
			// A thread that is new has counted from zero.
			const { voluntary, involuntary } = before[index]?.get(thread) ?? { voluntary: 0, involuntary: 0 };
			found.voluntary += (switches.voluntary - voluntary) * perMinute;
			found.involuntary += (switches.involuntary - involuntary) * perMinute;
		}
		return [name, found] as const;
	});
}

function look(pid: number): ReadonlyMap<string, Switches> {
	return new Map(namespaceOf(pid).flatMap((member) => [...contextSwitches(member)]));
}

function aimsOf(rows: readonly Row[]): Aim[] {
	const of = (name: string) => rows.find(({ contestant }) => contestant === name)?.values["of these voluntary"];
	const aims: Aim[] = [];
	const tini = of(`${TINI}: one program`);
	if (tini === undefined) return aims;
	const ours = [
		`${LASTCALL}: one program`,
		REGISTERED_APP,
		...[LASTCALL_RUN, inTypeScript(LASTCALL_RUN)].flatMap((name) =>
			SERVICES.map((service) => `${name}: ${sizeOf(service)}`),
		),
	];
	for (const name of ours) {
		const found = of(name);
		if (found !== undefined)
			aims.push(atMost(`${name}: wakes up at most ${LIMIT} × as often as ${TINI}`, found / tini, LIMIT));
	}
	return aims;
}
