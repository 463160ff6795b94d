/** The name that was probably meant: `did you mean "stopTimeout"?` */
import { closestMatch } from "leven";

// The comparison takes as long as both names are long, for every name.
const MAX_LENGTH = 64;
const MAX_NAMES = 1_000;

/** `; did you mean "stopTimeout"?` if one of the names is near, else nothing. */
export function suggest(name: string, names: readonly string[]): string {
	const match =
		closest(name, names) ??
		// TERM for SIGTERM.
		comparable(name, names).find((near) => name !== "" && near.endsWith(name));
	return match === undefined ? "" : `; did you mean "${match}"?`;
}

/** The name that was probably meant, if one is near. */
export function closest(name: string, names: readonly string[]): string | undefined {
	const near = comparable(name, names);
	// A third of its letters may be wrong.
	const maxDistance = Math.max(1, Math.floor(name.length / 3));
	return closestMatch(name, near, { maxDistance }) ?? near.find((candidate) => areSwapped(name, candidate));
}

function comparable(name: string, names: readonly string[]): readonly string[] {
	if (name.length > MAX_LENGTH || names.length > MAX_NAMES) return [];
	return names.filter(({ length }) => length <= MAX_LENGTH);
}

/** Whether two neighbours have changed places: rnu for run. */
function areSwapped(name: string, other: string): boolean {
	const at = [...name].findIndex((letter, index) => letter !== other[index]);
	if (at < 0) return false;
	const [first = "", second = ""] = name.slice(at, at + 2);
	return name.slice(0, at) + second + first + name.slice(at + 2) === other;
}
