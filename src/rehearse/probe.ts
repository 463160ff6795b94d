/** Requests a URL again and again while a program runs and stops, and counts what failed. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 10;
/** A program that answers nothing must not use up our descriptors. */
const AT_ONCE = 50;
const ANSWER_MS = 30_000;
/** The longest wait for what is in flight when the program has ended: the kernel resets those connections at once. */
const SETTLE_MS = 200;

export interface ProbeResult {
	/** Whether any request was answered before the stop signal. Without it the rest says nothing. */
	readonly wasUp: boolean;
	/** Requests that were sent after the stop signal, or were not answered by then. */
	readonly requests: number;
	/** Those that got a connection but no answer, or an answer of 500 and above: a user has seen an error. */
	readonly failed: number;
	/** Those that got no connection: a load balancer that has not noticed the stop yet sends such requests. */
	readonly refused: number;
}

export interface Probe {
	/** The stop begins: requests count from now on, and those in flight. */
	noteStop(): void;
	/** Sends no more, and returns what was found when those in flight have failed, or soon. */
	stop(): Promise<ProbeResult>;
}

export function startProbe(url: URL): Probe {
	const inFlight = new Set<() => void>();
	let wasUp = false;
	let stopping = false;
	const counts = { answered: 0, failed: 0, refused: 0 };
	let open = true;

	function send(): void {
		if (inFlight.size >= AT_ONCE) return;
		let connected = false;
		// A connection of its own: one that is kept alive would hide that the server does not listen any more.
		const outgoing = request(url, { agent: false, timeout: ANSWER_MS });
		const cancel = () => outgoing.destroy();
		const finish = (result: keyof typeof counts) => {
			if (!inFlight.delete(cancel) || !open) return;
			if (result === "answered" && !stopping) wasUp = true;
			if (stopping) counts[result] += 1;
		};
		inFlight.add(cancel);
		outgoing.on("socket", (socket) => socket.once("connect", () => (connected = true)));
		outgoing.on("timeout", cancel);
		outgoing.on("error", () => finish(connected ? "failed" : "refused"));
		outgoing.on("response", (response) => {
			response.resume();
			response.on("error", () => finish("failed"));
			response.on("close", () => finish(response.complete && (response.statusCode ?? 0) < 500 ? "answered" : "failed"));
		});
		outgoing.end();
	}

	const timer = setInterval(send, EVERY_MS);
	send();
	return {
		noteStop() {
			stopping = true;
		},
		async stop() {
			clearInterval(timer);
			for (let waited = 0; inFlight.size > 0 && waited < SETTLE_MS; waited += EVERY_MS) await sleep(EVERY_MS);
			open = false;
			for (const cancel of [...inFlight]) cancel();
			const { answered, failed, refused } = counts;
			return { wasUp, requests: answered + failed + refused, failed, refused };
		},
	};
}
