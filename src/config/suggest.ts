import { closestMatch } from "leven";

// The comparison takes as long as both names are long, for every name.
const MAX_LENGTH = 64;
const MAX_NAMES = 1_000;

/** `; did you mean "stopTimeout"?` if one of the names is near, else nothing. */
export function suggest(name: string, names: readonly string[]): string {
	if (name.length > MAX_LENGTH || names.length > MAX_NAMES) return "";
	const near = names.filter(({ length }) => length <= MAX_LENGTH);
	// A third of its letters may be wrong.
	const maxDistance = Math.max(1, Math.floor(name.length / 3));
	const match =
		closestMatch(name, near, { maxDistance }) ??
		// TERM for SIGTERM.
		near.find((candidate) => name !== "" && candidate.endsWith(name));
	return match === undefined ? "" : `; did you mean "${match}"?`;
}
