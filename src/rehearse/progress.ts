/** Shows progress and asks for consent, both on standard error: standard output is only for the report. */
import { createInterface } from "node:readline";

const WIDTH = 30;

/** Asks whether to go on. The end of the input counts as no. */
export async function confirm(question: string): Promise<boolean> {
	const lines = createInterface({ input: process.stdin, output: process.stderr });
	try {
		return await new Promise<boolean>((resolve) => {
			lines.question(`${question} [y/N] `, (answer) => resolve(/^y(es)?$/i.test(answer.trim())));
			lines.once("close", () => resolve(false));
			// readline turns Ctrl-C into this event: no signal comes.
			lines.once("SIGINT", () => lines.close());
		});
	} finally {
		lines.close();
	}
}

/** A bar that grows with each run, on a terminal only. */
export function startProgress(runs: number): { show(done: number): void; clear(): void } {
	if (!process.stderr.isTTY || process.env.TERM === "dumb") return { show: () => {}, clear: () => {} };
	const show = (done: number) => {
		const full = Math.round((done / runs) * WIDTH);
		process.stderr.write(`\r\x1b[K${"━".repeat(full)}${"┄".repeat(WIDTH - full)} ${done} of ${runs} runs`);
	};
	show(0);
	return { show, clear: () => void process.stderr.write("\r\x1b[K") };
}
