import { makeDirectory } from "../../test/helpers/directory.ts";
import { findRestarters, type Restarter } from "../contestants/restarters.ts";
import type { Circumstances, Measure } from "../lib/measure.ts";
import { HAND_WRITTEN, inTypeScript, LASTCALL_RUN, WATT } from "../lib/names.ts";
import { pause } from "../lib/pause.ts";
import { type Aim, atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";
import { memoryOf } from "./memory.ts";

interface Size {
	/** Restarts that nobody counts: what compiles itself warms up. */
	readonly warmUp: number;
	readonly timed: number;
	/** Restarts in a row, to see what they leave behind. */
	readonly often: number;
}

const FULL: Size = { warmUp: 20, timed: 200, often: 10_000 };
const QUICK: Size = { warmUp: 2, timed: 10, often: 100 };
const FIRST_TENTH = 0.1;
/** By then lastcall has given back what only its start needed. */
const SETTLE_MS = 3_000;

const THREAD = { limit: 1.5, of: `${HAND_WRITTEN}: a thread` };
const LIMITS: readonly (readonly [ours: string, theirs: string, limit: number])[] = [
	[`${LASTCALL_RUN}: a thread`, THREAD.of, THREAD.limit],
	[`${inTypeScript(LASTCALL_RUN)}: a thread`, `${inTypeScript(HAND_WRITTEN)}: a thread`, THREAD.limit],
	[`${LASTCALL_RUN}: a process`, "execa alone: a process", 2],
];
/** As far as two looks at the same heap lie apart. */
const FLAT = 1.15;

export const measure: Measure = {
	name: "job",
	async run(circumstances) {
		const { contestants, quick, turns } = circumstances;
		const size = { ...(quick ? QUICK : FULL), ...(turns !== undefined && { timed: turns }) };
		const restarters = findRestarters(contestants);
		const samples = await time(restarters, size, circumstances);
		const growth = new Map<string, Growth>();
		for (const restarter of restarters.filter(({ often }) => often))
			growth.set(restarter.name, await repeat(restarter, size, circumstances));

		const rows = restarters.map(({ name }): Row => {
			const grown = growth.get(name);
			return {
				contestant: name,
				values: {
					"p50, ms": median(samples.of(name)),
					"p99, ms": percentile(samples.of(name), 99),
					...(grown && { "private dirty after a tenth, MB": grown.before, [`after ${size.often}, MB`]: grown.after }),
				},
			};
		});
		return {
			measure: "job",
			title: "A job is stopped, joined and started again",
			method: `From the request to the first line of the job's next run: a thread that waits for its flag, a process (a program in C) that waits for SIGTERM. lastcall is asked over its socket, the others by a signal. ${size.timed} turns, one contestant after the other, after ${size.warmUp} that do not count. Then ${size.often} times in a row, with a look at the private dirty memory after a tenth of them and at the end.`,
			chart: "p50, ms",
			rows,
			// A few restarts are too few for a heap to be where it stays.
			aims: aimsOf(rows, quick ? new Map() : growth),
			absent: Object.fromEntries(
				contestants
					.filter(({ name }) => !restarters.some((restarter) => restarter.name.startsWith(name)))
					.map(({ name }) => [
						name,
						name === WATT
							? "at its signal for it, SIGUSR2, it stops an application without a server and starts no other"
							: "not asked to restart a job",
					]),
			),
		};
	},
};

async function time(restarters: readonly Restarter[], size: Size, { say }: Circumstances): Promise<Samples> {
	await using stack = new AsyncDisposableStack();
	const players: { readonly restarter: Restarter; play(): Promise<number> }[] = [];
	for (const restarter of restarters) {
		say(`${restarter.name} warms up`);
		const directory = stack.use(makeDirectory()).path;
		const running = stack.use(await Stopwatch.start(restarter.launch(directory)));
		await running.stamps(1);
		const play = () => restarter.restart(running, directory);
		for (let count = 0; count < size.warmUp; count++) await play();
		players.push({ restarter, play });
	}
	const samples = new Samples();
	await takeTurns(players, size.timed, async ({ restarter: { name }, play }, turn) => {
		if (turn % 50 === 0 && name === players[0]?.restarter.name) say(`turn ${turn + 1} of ${size.timed}`);
		samples.add(name, await play());
	});
	return samples;
}

/** Private dirty, MB. */
interface Growth {
	readonly before: number;
	readonly after: number;
}

async function repeat(restarter: Restarter, { often }: Size, { say }: Circumstances): Promise<Growth> {
	using directory = makeDirectory();
	await using running = await Stopwatch.start(restarter.launch(directory.path));
	await running.stamps(1);
	say(`${restarter.name}, ${often} times`);
	await pause(SETTLE_MS);
	const restart = async (times: number) => {
		for (let count = 0; count < times; count++) await restarter.restart(running, directory.path);
		return memoryOf(running.pid)["private dirty, MB"];
	};
	const before = await restart(often * FIRST_TENTH);
	return { before, after: await restart(often * (1 - FIRST_TENTH)) };
}

function aimsOf(rows: readonly Row[], growth: ReadonlyMap<string, Growth>): Aim[] {
	const p50 = (name: string) => rows.find(({ contestant }) => contestant === name)?.values["p50, ms"];
	const aims: Aim[] = [];
	for (const [ours, theirs, limit] of LIMITS) {
		const [found, base] = [p50(ours), p50(theirs)];
		if (found !== undefined && base !== undefined)
			aims.push(atMost(`${ours}: p50 at most ${limit} × ${theirs}`, found / base, limit));
	}
	for (const [name, { before, after }] of growth)
		if (name.startsWith(LASTCALL_RUN))
			aims.push(
				atMost(
					`${name}: private dirty at the end at most ${FLAT} × that after a tenth of the restarts`,
					after / before,
					FLAT,
				),
			);
	return aims;
}
