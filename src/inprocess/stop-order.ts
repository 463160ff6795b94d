import { UserError } from "../errors.ts";
import type { StopHandler } from "./stop-handler.ts";

/** Takes the handler that is to run next out of the list: the last registered of those that wait for no other. */
export function takeNext(handlers: StopHandler[]): StopHandler | undefined {
	const names = new Set(handlers.map(({ name }) => name));
	const index = handlers.findLastIndex(({ after }) =>
		after.every((name) => !names.has(name)),
	);
	return index === -1 ? undefined : handlers.splice(index, 1)[0];
}

/** @throws {UserError} if the name is taken, or `after` leads back to the handler itself. */
export function checkOrder(
	handlers: readonly StopHandler[],
	added: StopHandler,
): void {
	const { name } = added;
	const byName = new Map(handlers.map((handler) => [handler.name, handler]));
	if (byName.has(name)) {
		throw new UserError(
			`Cannot register stop handler "${name}": there is one of that name already, expected another name`,
		);
	}
	byName.set(name, added);
	const path = findPath(byName, name, name);
	if (path) {
		throw new UserError(
			`Cannot register stop handler "${name}": found a cycle in "after" (${[name, ...path].map((step) => `"${step}"`).join(" after ")}), expected none`,
		);
	}
}

function findPath(
	handlers: ReadonlyMap<string, StopHandler>,
	from: string,
	to: string,
): string[] | undefined {
	for (const next of handlers.get(from)?.after ?? []) {
		if (next === to) return [next];
		const rest = findPath(handlers, next, to);
		if (rest) return [next, ...rest];
	}
	return undefined;
}

/** Names in `after` that no handler has: misspelt, or never registered. */
export function unknownNames(handlers: readonly StopHandler[]): string[] {
	const names = new Set(handlers.map(({ name }) => name));
	return handlers
		.flatMap(({ after }) => after)
		.filter((name) => !names.has(name));
}
