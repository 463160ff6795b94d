/** Requests a URL again and again while a program runs and stops, and counts the failed requests. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 10;
/** At most this many requests at once: a program that answers none must not use up our descriptors. */
const AT_ONCE = 50;
const ANSWER_MS = 30_000;
/** The longest wait for requests in flight after the program's end: the kernel resets their connections at once. */
const SETTLE_MS = 200;

export interface ProbeResult {
	/** Whether any request was answered before the stop signal. If none was, the counts say nothing. */
	readonly wasUp: boolean;
	/** Requests that were sent after the stop signal, or were still in flight when it came. */
	readonly requests: number;
	/** Requests with a connection but no answer, or with a status of 500 or above: a user would have seen an error. */
	readonly failed: number;
	/** Requests without a connection: a load balancer sends such requests until it notices the stop. */
	readonly refused: number;
}

export interface Probe {
	/** The stop begins. Requests that are in flight, and all later requests, count. */
	noteStop(): void;
	/** Sends no more requests, waits a moment for those in flight, and returns the counts. */
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
		// A new connection for each request: a kept-alive connection would hide that the server no longer listens.
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
