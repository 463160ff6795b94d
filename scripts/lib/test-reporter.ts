/**
 * A reporter for `node --test` that records the tests that failed and the tests that were left out, one JSON object a line, for the end of
 * a long run.
 */
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { root } from "./paths.ts";

export type TestRecord =
	| { readonly type: "failed"; readonly text: string }
	| { readonly type: "skipped"; readonly why: string };

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
	for await (const event of events) {
		const record = recordOf(event);
		if (record) yield `${JSON.stringify(record)}\n`;
	}
}

/** Reads what the reporter has written; a run that was killed may have left half a line. */
export function readTestRecords(text: string): TestRecord[] {
	return text
		.split("\n")
		.filter((line) => line.endsWith("}"))
		.map((line) => JSON.parse(line) as TestRecord);
}

function recordOf({ type, data }: TestEvent): TestRecord | undefined {
	if (type === "test:pass" && data.skip !== undefined) {
		const why = typeof data.skip === "string" ? data.skip : "without a reason";
		return { type: "skipped", why };
	}
	if (type !== "test:fail") return undefined;
	const { cause, message, failureType } = data.details.error as unknown as Failure;
	// The tests inside are recorded themselves.
	if (failureType === "subtestsFailed") return undefined;
	const where = data.file ? ` (${relative(root, data.file)}:${data.line})` : "";
	const why = String((cause as Error | undefined)?.stack ?? message)
		.split("\n")
		.filter((line) => !FRAME_OF_NODE.test(line))
		.slice(0, LINES)
		.map((line) => `    ${line.slice(0, COLUMNS)}\n`);
	return { type: "failed", text: `  ${data.name}${where}\n${why.join("")}` };
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
