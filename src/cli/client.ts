/** Talks to a running init through its socket. */
import { request } from "node:http";
import { attempt, errorInfo } from "../errors.ts";
import { show } from "../show.ts";

export interface Answer {
	readonly status: number;
	readonly body: string;
}

/** No init could be reached: the answer to the question, not a mistake of the user. */
export class NoInitError extends Error {}

const ANSWER_MS = 5_000;
/** Of thousands of jobs. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

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

/**
 * What an answer says.
 *
 * @param read Takes it from the answer's JSON; throws if it is not there, for at a path that somebody typed may be anybody.
 * @throws {NoInitError} if it is no answer of an init.
 */
export function readAnswer<Value, Result>(
	{ status, body }: Answer,
	read: (value: Value) => Result,
): Result {
	if (status === 200 || status === 409) {
		const result = attempt(() => read(JSON.parse(body)));
		if (result !== undefined) return result;
	}
	throw new NoInitError(
		`Cannot understand the answer: found status ${status} and ${show(body.trim())}, expected those of an init`,
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
			let bytes = 0;
			response.on("data", (chunk: Buffer) => {
				chunks.push(chunk);
				bytes += chunk.length;
				if (bytes > MAX_ANSWER_BYTES)
					response.destroy(new Error("an answer without end"));
			});
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
