/**
 * Time that passes only when it is told to: in place of this thread's timers, clocks and random numbers. What is under test
 * is pure code, and does not notice. Timers that are due at the same moment run in an order that the random numbers choose.
 */

type Callback = (...args: unknown[]) => void;

interface Timer {
	readonly at: number;
	readonly order: number;
	readonly call: () => void;
	/** Milliseconds, of an interval. */
	readonly every: number | undefined;
}

class Handle {
	readonly #timers: Map<Handle, Timer>;

	constructor(timers: Map<Handle, Timer>) {
		this.#timers = timers;
	}

	ref(): this {
		return this;
	}

	unref(): this {
		return this;
	}

	close(): void {
		this.#timers.delete(this);
	}
}

const realTurn = setImmediate;

function drainMicrotasks(): Promise<void> {
	return new Promise((resolve) => realTurn(resolve));
}

export class SimulatedTime {
	/** Milliseconds since the beginning. */
	now = 0;
	/** The wall clock at the beginning, in milliseconds since the epoch. To change it is to set the clock. */
	epoch = Date.UTC(2026, 10, 28, 12);
	readonly #timers = new Map<Handle, Timer>();
	#immediates: (() => void)[] = [];
	#seed: number;

	/** @param seed Of the random numbers; any integer. */
	constructor(seed: number) {
		this.#seed = seed;
	}

	/** Takes the place of the real time, until it is disposed of. */
	install(): Disposable {
		const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
		const { setImmediate } = globalThis;
		const { random } = Math;
		const { bigint } = process.hrtime;
		const { now } = Date;
		const add =
			(repeats: boolean) =>
			(callback: Callback, ms = 0, ...args: unknown[]) =>
				this.#add(() => callback(...args), ms, repeats);
		const clear = (handle?: Handle) => handle?.close();
		const simulated = {
			setTimeout: add(false),
			setInterval: add(true),
			clearTimeout: clear,
			clearInterval: clear,
			setImmediate: (callback: Callback, ...args: unknown[]) => {
				this.#immediates.push(() => callback(...args));
			},
		};
		Object.assign(globalThis, simulated);
		Math.random = () => this.random();
		Date.now = () => this.epoch + Math.round(this.now);
		process.hrtime.bigint = () => BigInt(Math.round(this.now * 1e6));
		return {
			[Symbol.dispose]() {
				const real = { setTimeout, setInterval, clearTimeout, clearInterval };
				Object.assign(globalThis, { ...real, setImmediate });
				Math.random = random;
				process.hrtime.bigint = bigint;
				Date.now = now;
			},
		};
	}

	/** From 0 to 1 (mulberry32). */
	random(): number {
		this.#seed = (this.#seed + 0x6d2b79f5) | 0;
		let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}

	/** Lets so many milliseconds pass, timer by timer. */
	async advance(ms: number): Promise<void> {
		const end = this.now + ms;
		await this.settle();
		for (let next = this.#next(); next; next = this.#next()) {
			const [handle, timer] = next;
			if (timer.at > end) break;
			this.now = Math.max(this.now, timer.at);
			if (timer.every === undefined) this.#timers.delete(handle);
			else {
				const at = this.now + timer.every;
				this.#timers.set(handle, { ...timer, at });
			}
			timer.call();
			await this.settle();
		}
		this.now = end;
	}

	/** Runs what needs no time: promises, and turns of the event loop. */
	async settle(): Promise<void> {
		await drainMicrotasks();
		while (this.#immediates.length > 0)
			for (const call of this.#immediates.splice(0)) {
				call();
				await drainMicrotasks();
			}
	}

	#add(call: () => void, ms: number, repeats: boolean): Handle {
		const handle = new Handle(this.#timers);
		// As Node.js: a millisecond at least.
		const delay = Math.max(ms, 1);
		this.#timers.set(handle, { at: this.now + delay, order: this.random(), call, every: repeats ? delay : undefined });
		return handle;
	}

	#next(): [Handle, Timer] | undefined {
		let first: [Handle, Timer] | undefined;
		for (const entry of this.#timers) if (!first || isBefore(entry[1], first[1])) first = entry;
		return first;
	}
}

function isBefore(a: Timer, b: Timer): boolean {
	return a.at < b.at || (a.at === b.at && a.order < b.order);
}
