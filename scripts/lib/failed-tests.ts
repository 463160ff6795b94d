/** A reporter for `node --test`: only the tests that failed, and why, to be repeated at the end of a long run. */
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { root } from "./paths.ts";

export default async function* failedTests(
	events: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
	for await (const { type, data } of events) {
		if (type !== "test:fail") continue;
		const { cause, message, failureType } = data.details
			.error as unknown as Failure;
		// The tests inside are named themselves.
		if (failureType === "subtestsFailed") continue;
		const where = data.file
			? ` (${relative(root, data.file)}:${data.line})`
			: "";
		const why = String((cause as Error | undefined)?.stack ?? message);
		const lines = why.split("\n").filter((line) => !FRAME_OF_NODE.test(line));
		yield `  ${data.name}${where}\n`;
		for (const line of lines.slice(0, LINES))
			yield `    ${line.slice(0, COLUMNS)}\n`;
	}
}

const FRAME_OF_NODE = /^\s+at .*(\bnode:|<anonymous>\)$)/;

/** Some assertions show a whole log. */
const LINES = 30;
const COLUMNS = 400;

/** ERR_TEST_FAILURE of node:test. */
interface Failure {
	readonly message: string;
	readonly failureType: string;
	readonly cause?: unknown;
}
