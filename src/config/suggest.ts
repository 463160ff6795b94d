/** Finds the name that a user probably meant: `did you mean "stopTimeout"?` */
import { closestMatch } from "leven";

// The time of a comparison grows with the length of both names, and with the number of names.
const MAX_LENGTH = 64;
const MAX_NAMES = 1_000;

/** `; did you mean "stopTimeout"?`, or an empty text if no name is similar. */
export function suggest(name: string, names: readonly string[]): string {
	// TERM stands for SIGTERM.
	const match = closest(name, names) ?? comparable(name, names).find((other) => name !== "" && other.endsWith(name));
	return match === undefined ? "" : `; did you mean "${match}"?`;
}

/** The most similar name. At most a third of the letters may differ. */
export function closest(name: string, names: readonly string[]): string | undefined {
	const others = comparable(name, names);
	const maxDistance = Math.max(1, Math.floor(name.length / 3));
	return closestMatch(name, others, { maxDistance }) ?? others.find((other) => areSwapped(name, other));
}

function comparable(name: string, names: readonly string[]): readonly string[] {
	if (name.length > MAX_LENGTH || names.length > MAX_NAMES) return [];
	return names.filter(({ length }) => length <= MAX_LENGTH);
}

/** Whether two neighbouring letters have changed places: rnu for run. */
function areSwapped(name: string, other: string): boolean {
	const at = [...name].findIndex((letter, index) => letter !== other[index]);
	if (at < 0) return false;
	const [first = "", second = ""] = name.slice(at, at + 2);
	return name.slice(0, at) + second + first + name.slice(at + 2) === other;
}
