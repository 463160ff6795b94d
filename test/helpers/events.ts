import type { Event } from "../../src/supervisor/events.ts";

/** The events in the log of `lastcall run`, in their order; what threads print is passed over. */
export function parseEvents(lines: readonly string[]): Event[] {
	return lines
		.filter((line) => line.startsWith("{"))
		.map((line) => {
			const { event, ...fields } = JSON.parse(line);
			return { type: event, ...fields };
		})
		.filter(({ type }) => type !== undefined);
}

/** The first event of a type, and of a job; throws if there is none. */
export function findEvent<Type extends Event["type"]>(
	events: readonly Event[],
	type: Type,
	job?: string,
): Extract<Event, { type: Type }> {
	const found = events.find(
		(event) => event.type === type && (job === undefined || ("job" in event && event.job === job)),
	);
	if (found) return found as Extract<Event, { type: Type }>;
	throw new Error(`No event ${type} ${job ?? ""} among:\n${events.map((event) => JSON.stringify(event)).join("\n")}`);
}
