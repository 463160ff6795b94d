import { type Burst, burst } from "../lib/burst.ts";
import type { Contestant } from "../lib/contestant.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import { LASTCALL, LASTCALL_REGISTER, LASTCALL_RUN, LASTCALL_SINGLE, TINI } from "../lib/names.ts";
import { type Aim, atLeast, atMost, type Row } from "../lib/result.ts";
import { median } from "../lib/statistics.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const ORPHANS = 50_000;
/** So few that whoever reaps nothing does no harm with them. */
const FEW = 1_000;
/** Orphans per second; at less a burst of them all would take minutes. */
const SLOW = 500;
const SHARE = 0.95;
const OURS = [LASTCALL, LASTCALL_SINGLE, LASTCALL_RUN, LASTCALL_REGISTER];

interface Player {
	readonly name: string;
	readonly wrap: NonNullable<Contestant["wrap"]>;
}

export const measure: Measure = {
	name: "reap",
	async run(circumstances) {
		const { contestants, quick, say } = circumstances;
		const turns = turnsOf(circumstances, 5);
		const orphans = quick ? 2 * FEW : ORPHANS;
		const absent: Record<string, string> = {};
		const first = new Map<string, Burst>();
		const players: Player[] = [];
		for (const contestant of contestants) {
			const { name } = contestant;
			const wrap = contestant.wrap?.bind(contestant);
			if (!wrap) {
				absent[name] = "starts no program in the foreground";
				continue;
			}
			say(name);
			const found = await burst(wrap, FEW);
			first.set(name, found);
			if (found.left > 0) absent[name] = `left ${found.left} zombies of ${FEW}: it gets no more`;
			else if (found.perSecond < SLOW)
				absent[name] = `took ${(FEW / found.perSecond).toFixed(0)} s for ${FEW}: it gets no more`;
			else players.push({ name, wrap });
		}

		const perSecond = new Samples();
		const mostZombies = new Samples();
		const cpuMs = new Samples();
		const left = new Samples();
		await takeTurns(players, turns, async ({ name, wrap }, turn) => {
			if (name === players[0]?.name) say(`turn ${turn + 1} of ${turns}`);
			const found = await burst(wrap, orphans);
			perSecond.add(name, found.perSecond);
			mostZombies.add(name, found.mostZombies);
			cpuMs.add(name, (found.cpuMs / orphans) * 10_000);
			left.add(name, found.left);
		});

		const ours = OURS.filter((name) => perSecond.of(name).length > 0);
		const aims: Aim[] = ours.map((name) => atMost(`${name}: no zombie left`, Math.max(...left.of(name)), 0));
		const theirs = perSecond.of(TINI);
		if (theirs.length > 0)
			for (const name of ours)
				aims.push(
					atLeast(
						`${name}: at least ${SHARE} × ${TINI}'s orphans per second`,
						median(perSecond.of(name)) / median(theirs),
						SHARE,
					),
				);
		return {
			measure: "reap",
			title: `A burst of ${orphans.toLocaleString("en")} orphans`,
			method: `Double forks by a program in C, as fast as it can. Counted is until the last one is collected; the zombies by the kernel's count of processes in a cgroup, looked at every millisecond, 20,000 at the most, where who makes them has to wait; the processor time of all threads of PID 1. ${turns} turns, one contestant after the other; medians, and the most zombies of all turns.`,
			chart: "orphans per second",
			rows: [...first].map(
				([name, few]): Row => ({
					contestant: name,
					values:
						perSecond.of(name).length > 0
							? {
									"orphans per second": median(perSecond.of(name)),
									"most zombies": Math.max(...mostZombies.of(name)),
									"CPU of PID 1 per 10,000, ms": median(cpuMs.of(name)),
									...(theirs.length > 0 && {
										[`that CPU, × ${TINI}`]: median(cpuMs.of(name)) / median(cpuMs.of(TINI)),
									}),
									"zombies left": Math.max(...left.of(name)),
								}
							: few.left > 0
								? { [`left of ${FEW}`]: few.left }
								: { "orphans per second": few.perSecond },
				}),
			),
			aims,
			absent,
		};
	},
};
