/** What the kubelet asks of a pod. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Probe } from "./manifest.ts";

/** The status of one answer; 0 if there was none. */
export async function ask({ httpGet }: Pick<Probe, "httpGet">, port = httpGet.port): Promise<number> {
	try {
		const { status } = await fetch(`http://127.0.0.1:${port}${httpGet.path}`, {
			headers: { connection: "close" },
			signal: AbortSignal.timeout(5_000),
		});
		return status;
	} catch {
		return 0;
	}
}

/** Asks all the time. Use with `using`: it ends with the block. */
export function watch(probe: Probe, port?: number) {
	const end = new AbortController();
	const seen: number[] = [];
	const watching = (async () => {
		while (!end.signal.aborted) {
			const status = await ask(probe, port);
			if (status !== seen.at(-1)) seen.push(status);
			await sleep(10);
		}
	})();
	return {
		/** The answers in their order, equal ones in a row as one: `[0, 503, 200]`. */
		seen,
		async [Symbol.asyncDispose]() {
			end.abort();
			await watching;
		},
	};
}
