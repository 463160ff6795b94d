/** Log records that are no events, as `lastcall run` prints them. */
export interface LogRecord {
	readonly job: string;
	readonly stream: string;
	readonly msg: string;
	readonly partial?: true;
}

/** What a job with output "log" has written, in its order. */
export function recordsOf(lines: readonly string[], job: string): LogRecord[] {
	return lines
		.filter((line) => line.startsWith("{"))
		.map((line) => JSON.parse(line))
		.filter((record) => record.event === undefined && record.job === job);
}
