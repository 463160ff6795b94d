/** Fair play: all of them once, then all of them again, so that what disturbs the machine disturbs all. */

import { throwIfInterrupted } from "../../scripts/lib/interruption.ts";

/** What one of them has found so far, by name. */
export class Samples {
	readonly #values = new Map<string, number[]>();

	add(name: string, value: number): void {
		const values = this.#values.get(name) ?? [];
		values.push(value);
		this.#values.set(name, values);
	}

	/** All of that name, in their order. */
	of(name: string): readonly number[] {
		return this.#values.get(name) ?? [];
	}

	get names(): readonly string[] {
		return [...this.#values.keys()];
	}
}

/**
 * Gives each its turn, so often; each turn begins with another one, since who comes after whom may matter.
 *
 * @param play Called one at a time.
 */
export async function takeTurns<Player>(
	players: readonly Player[],
	turns: number,
	play: (player: Player, turn: number) => Promise<void>,
): Promise<void> {
	for (let turn = 0; turn < turns; turn++) {
		const first = turn % players.length;
		for (const player of [...players.slice(first), ...players.slice(0, first)]) {
			throwIfInterrupted();
			await play(player, turn);
		}
	}
}
