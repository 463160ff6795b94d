/** Asks a job from outside whether it is ready, again and again, until it is. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { errorInfo } from "../errors.ts";

/**
 * How a job shows that it is ready.
 *
 * - `started`: it runs
 * - `notify`: it says so
 * - `exit`: it has ended well
 * - `http`: a GET is answered with a status below 400
 * - `tcp`: something accepts connections
 */
export type Readiness =
	| { readonly type: "started" | "notify" | "exit" }
	| { readonly type: "http"; readonly url: string }
	| { readonly type: "tcp"; readonly host: string; readonly port: number };

export type Probe = Extract<Readiness, { type: "http" | "tcp" }>;

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 500;
/** For one answer: a server that accepts and is silent is asked again. */
const ANSWER_MS = 2_000;

/**
 * Settles when the probe has succeeded, or the signal is aborted; never rejects.
 *
 * @param onFailure Told why each attempt failed.
 */
export async function pollUntilReady(
	probe: Probe,
	signal: AbortSignal,
	onFailure: (message: string) => void,
): Promise<void> {
	let retryMs = RETRY_FIRST_MS;
	while (!signal.aborted) {
		const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
		try {
			return await ask(probe, limit);
		} catch (error) {
			if (signal.aborted) return;
			onFailure(
				limit.aborted
					? `no answer in ${ANSWER_MS} ms`
					: errorInfo(error).message || errorInfo(error).code || "no answer",
			);
		}
		await sleep(retryMs, undefined, { signal }).catch(() => {});
		retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
	}
}

async function ask(probe: Probe, signal: AbortSignal): Promise<void> {
	if (probe.type === "tcp") return askTcp(probe, signal);
	const { get } = probe.url.startsWith("https:")
		? await import("node:https")
		: await import("node:http");
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	// No agent: a connection that is kept would be one that the job has to close at its stop.
	const request = get(probe.url, { agent: false, signal }, (response) => {
		const { statusCode = 0 } = response;
		request.destroy();
		if (statusCode >= 200 && statusCode < 400) resolve();
		else reject(new Error(`status ${statusCode}`));
	});
	request.on("error", reject);
	return promise;
}

function askTcp(
	{ host, port }: Extract<Probe, { type: "tcp" }>,
	signal: AbortSignal,
): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const socket = connect({ host, port, signal });
	socket.once("connect", () => {
		socket.destroy();
		resolve();
	});
	socket.on("error", reject);
	return promise;
}
