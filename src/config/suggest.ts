import { closestMatch } from "leven";

/** `; did you mean "stopTimeout"?` if one of the names is near, else nothing. */
export function suggest(name: string, names: readonly string[]): string {
	// A third of its letters may be wrong.
	const maxDistance = Math.max(1, Math.floor(name.length / 3));
	const match =
		closestMatch(name, names, { maxDistance }) ??
		// TERM for SIGTERM.
		names.find((candidate) => name !== "" && candidate.endsWith(name));
	return match === undefined ? "" : `; did you mean "${match}"?`;
}
