/** What bench.ts calls: each file of bench/measures exports one of these as `measure`. */
import { ScriptError } from "../../scripts/lib/script.ts";
import type { Contestant } from "./contestant.ts";
import type { Result } from "./result.ts";

/** What a measure is given. */
export interface Circumstances {
	/** All that are here, in the order of the tables; a measure takes those that can do what it asks. */
	readonly contestants: readonly Contestant[];
	/** How often each contestant gets its turn, if the command line says so. @default what the measure holds for enough */
	readonly turns: number | undefined;
	/** Only to see that everything works: as few of everything as possible. */
	readonly quick: boolean;
	/** Tells on standard error how far it is. */
	say(progress: string): void;
}

export interface Measure {
	/** Name of its file, and of its result. */
	readonly name: string;
	run(circumstances: Circumstances): Promise<Result>;
}

/** Thrown by a measure for which this machine lacks something. A run of all measures goes on without it. */
export class CannotMeasure extends ScriptError {}

/** The number of turns: as said, `few` when it is to be quick, else `enough`. */
export function turnsOf({ turns, quick }: Circumstances, enough: number, few = 1): number {
	return turns ?? (quick ? few : enough);
}
