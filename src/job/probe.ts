/** A probe: one question to a job from outside, for readiness and for liveness. */
import { connect } from "node:net";
import type { JobSettings } from "../config/schema.ts";

export type Probe = Extract<JobSettings["readiness"], object>;

/** Resolves when the job has answered as it should. Rejects with the reason if not, or when the signal is aborted. */
export async function ask(probe: Probe, signal: AbortSignal): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	if ("tcp" in probe) {
		const colon = probe.tcp.lastIndexOf(":");
		// An IPv6 address stands in brackets.
		const host = probe.tcp.slice(0, colon).replace(/^\[|\]$/g, "");
		const socket = connect({ host, port: Number(probe.tcp.slice(colon + 1)), signal }, () => {
			socket.destroy();
			resolve();
		});
		socket.on("error", reject);
		return promise;
	}
	const { get } = probe.http.startsWith("https:") ? await import("node:https") : await import("node:http");
	// No agent: it would keep the connection open, and the job would have to close that at its stop.
	const request = get(probe.http, { agent: false, signal }, ({ statusCode = 0 }) => {
		request.destroy();
		if (statusCode >= 200 && statusCode < 400) resolve();
		else reject(new Error(`status ${statusCode}`));
	});
	request.on("error", reject);
	return promise;
}
