/** Talks to a running init through its socket. */
import { request } from "node:http";
import { errorInfo } from "../errors.ts";

export interface Answer {
	readonly status: number;
	readonly body: string;
}

/** No init could be reached: the answer to the question, not a mistake of the user. */
export class NoInitError extends Error {}

const ANSWER_MS = 5_000;

/**
 * @param paths The sockets to try, in this order.
 * @param timeoutMs For the answer. A stop lasts as long as the job takes. @default 5 s
 * @throws {NoInitError} if nobody answers at any of them.
 */
export async function ask(
	paths: readonly string[],
	method: "GET" | "POST",
	path: string,
	timeoutMs = ANSWER_MS,
): Promise<Answer> {
	const failures: string[] = [];
	for (const socketPath of paths) {
		try {
			return await askAt(socketPath, method, path, timeoutMs);
		} catch (error) {
			const { code, message } = errorInfo(error);
			failures.push(`${socketPath} (${code ?? message})`);
		}
	}
	throw new NoInitError(
		`Cannot reach an init at ${failures.join(", ")}; expected one that runs in this container, or its socket: --socket PATH`,
	);
}

function askAt(
	socketPath: string,
	method: string,
	path: string,
	timeoutMs: number,
): Promise<Answer> {
	const { promise, resolve, reject } = Promise.withResolvers<Answer>();
	const outgoing = request(
		{ socketPath, method, path, agent: false },
		(response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("error", reject);
			response.on("end", () =>
				resolve({
					status: response.statusCode ?? 0,
					body: Buffer.concat(chunks).toString(),
				}),
			);
		},
	);
	outgoing.setTimeout(timeoutMs, () =>
		outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)),
	);
	outgoing.on("error", reject);
	outgoing.end();
	return promise;
}
