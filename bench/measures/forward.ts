import { constants } from "node:os";
import type { Contestant } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import type { Measure } from "../lib/measure.ts";
import { LASTCALL, TINI } from "../lib/names.ts";
import { atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const SIGNAL = "SIGUSR1";
const NUMBER = constants.signals[SIGNAL];
const SIGNALS = 2_000;
const QUICK = 20;
const LIMIT = 2;

interface Forwarder {
	readonly name: string;
	readonly running: Stopwatch;
}

/** Starts it; `undefined` when no signal comes through. */
async function startForwarder(
	{ name }: Contestant,
	wrap: NonNullable<Contestant["wrap"]>,
): Promise<Forwarder | undefined> {
	await using stack = new AsyncDisposableStack();
	const running = stack.use(await Stopwatch.start(wrap([helper("receive")])));
	await running.stamps(1);
	// The first ones warm up what compiles itself, and nobody counts them.
	for (let signal = 0; signal < QUICK; signal++) if ((await running.signal(NUMBER)) === undefined) return undefined;
	stack.move();
	return { name, running };
}

export const measure: Measure = {
	name: "forward",
	async run({ contestants, turns, quick, say }) {
		const signals = turns ?? (quick ? QUICK : SIGNALS);
		const absent: Record<string, string> = {};
		const forwarders: Forwarder[] = [];
		await using stack = new AsyncDisposableStack();
		for (const contestant of contestants) {
			const { name, wrap } = contestant;
			const forwarder = wrap && (await startForwarder(contestant, wrap.bind(contestant)));
			if (forwarder) {
				stack.use(forwarder.running);
				forwarders.push(forwarder);
			} else {
				absent[name] = wrap ? `does not pass ${SIGNAL} on` : "starts no program in the foreground";
			}
		}

		const samples = new Samples();
		const lost = new Samples();
		await takeTurns(forwarders, signals, async ({ name, running }, turn) => {
			if (turn % 500 === 0 && name === forwarders[0]?.name) say(`signal ${turn + 1} of ${signals}`);
			const us = await running.signal(NUMBER);
			if (us === undefined) lost.add(name, turn);
			else samples.add(name, us);
		});

		const p50 = (name: string) => median(samples.of(name));
		const compared = samples.of(LASTCALL).length > 0 && samples.of(TINI).length > 0;
		return {
			measure: "forward",
			title: "A signal on its way through the init to the program",
			method: `${signals} times ${SIGNAL} to PID 1, one at a time, one contestant after the other; from pidfd_send_signal(2) to sigwait(3) in a program in C.`,
			chart: "p50, µs",
			rows: forwarders.map(
				({ name }): Row => ({
					contestant: name,
					values: {
						"p50, µs": p50(name),
						"p99, µs": percentile(samples.of(name), 99),
						"max, µs": percentile(samples.of(name), 100),
						...(compared && { [`p50, × ${TINI}`]: p50(name) / p50(TINI) }),
						lost: lost.of(name).length,
					},
				}),
			),
			aims: compared ? [atMost(`${LASTCALL}: p50 at most ${LIMIT} × ${TINI}'s`, p50(LASTCALL) / p50(TINI), LIMIT)] : [],
			absent,
		};
	},
};
