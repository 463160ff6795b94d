/**
 * The heartbeat of a job that shares memory with the init: signs of life, on the job's side and on the init's.
 *
 * The init looks a few times within the time that the job has, and mostly needs no help of the job: an event loop that
 * waits for something is alive, and libuv measures how long it has waited, in a way that other threads can read. So an
 * idle thread is never woken. Only a loop that never waits is asked: it answers with a beat in its next turn.
 */
import { WORDS } from "./context.ts";

/** The job's side: a sign of life by the job's own code. */
export function beat(words: Int32Array): void {
	Atomics.add(words, WORDS.beats, 1);
}

/**
 * The job's side: answers each question of the init with a beat, as long as the event loop turns. It costs nothing until
 * the init asks.
 *
 * @param tell Called if the init also asks what the event loop waits for.
 */
export async function answerInit(words: Int32Array<SharedArrayBuffer>, tell: () => void): Promise<never> {
	for (;;) {
		// Loaded before the answer: a question that comes meanwhile makes the wait below end at once.
		const asked = Atomics.load(words, WORDS.asked);
		beat(words);
		if (Atomics.exchange(words, WORDS.tell, 0) === 1) tell();
		await Atomics.waitAsync(words, WORDS.asked, asked).value;
	}
}

/** The init's side. */
export class Pulse {
	readonly #words: Int32Array;
	readonly #explicit: boolean;
	readonly #onAsk: () => void;
	#beats = 0;
	#waits = 0;
	#idleMs = 0;

	/**
	 * @param explicit Only beats by the job's own code count; then the job is never asked for one.
	 * @param onAsk Wakes a job in another process, where Atomics wake nobody.
	 */
	constructor(words: Int32Array, explicit: boolean, onAsk = () => {}) {
		this.#words = words;
		this.#explicit = explicit;
		this.#onAsk = onAsk;
	}

	/**
	 * Whether there was a sign of life since the last call. If the event loop has not waited, it is asked for one.
	 *
	 * @param idleMs How long the event loop has waited so far.
	 */
	look(idleMs: number): boolean {
		const beats = Atomics.load(this.#words, WORDS.beats);
		const waits = Atomics.load(this.#words, WORDS.waits);
		const hasBeaten = beats !== this.#beats;
		const hasWaited = waits !== this.#waits || waits % 2 !== 0 || idleMs !== this.#idleMs;
		this.#beats = beats;
		this.#waits = waits;
		this.#idleMs = idleMs;
		if (this.#explicit) return hasBeaten;
		if (hasWaited) return true;
		this.#ask();
		return hasBeaten;
	}

	/** Asks what the event loop waits for. */
	askWhatFor(): void {
		Atomics.store(this.#words, WORDS.tell, 1);
		this.#ask();
	}

	#ask(): void {
		Atomics.add(this.#words, WORDS.asked, 1);
		Atomics.notify(this.#words, WORDS.asked);
		this.#onAsk();
	}
}
