/** Where the version of the package is written down, and whether all places agree. */

const VERSION = "\\d+\\.\\d+\\.\\d+(?:-[\\w.]+)?";
const OF_PACKAGE = new RegExp(`(?<="name": "lastcall",\\s+"version": ")${VERSION}(?=")`, "g");

/** Every place, by the file. The newest release of the changelog is one more. */
export const PLACES: Readonly<Record<string, RegExp>> = {
	"package.json": OF_PACKAGE,
	"package-lock.json": OF_PACKAGE,
	"README.md": new RegExp(`(?<=: lastcall )${VERSION}(?= started)`, "g"),
	"docs/status.md": new RegExp(`(?<=^lastcall )${VERSION}(?=, process )`, "gm"),
};

export const CHANGELOG = "CHANGELOG.md";
const UNRELEASED = "## [Unreleased]\n";
const HEADING = new RegExp(`^## \\[(${VERSION})\\] - \\d{4}-\\d\\d-\\d\\d$`, "m");

/** Files by their names, as texts. */
export type Texts = Readonly<Record<string, string>>;

/**
 * What does not agree, one line each.
 *
 * @param tag Of the release that is being made. Without it CHANGELOG.md may have changes that are not released yet.
 */
export function findDisagreements(texts: Texts, tag?: string): string[] {
	const [version = "none"] = texts["package.json"]?.match(OF_PACKAGE) ?? [];
	const found: string[] = [];
	const expect = (what: string, is: string | undefined, expected = version) => {
		if (is !== expected) found.push(`${what}: found ${is ?? "no version"}, expected ${expected}`);
	};
	for (const [file, place] of Object.entries(PLACES)) {
		const all = texts[file]?.match(place) ?? [undefined];
		for (const one of all) expect(file, one);
	}
	const changelog = texts[CHANGELOG] ?? "";
	const released = HEADING.exec(changelog)?.[1];
	// Before the first release there is no heading.
	if (tag !== undefined || released !== undefined) expect(CHANGELOG, released);
	if (tag !== undefined) {
		expect("the tag", tag, `v${version}`);
		if (sectionOf(changelog, "Unreleased") !== "")
			found.push(`${CHANGELOG}: found changes under "Unreleased", expected them under ${version}`);
	}
	return found;
}

/** The same files with another version in every place; what was unreleased belongs to that version. */
export function cutVersion(texts: Texts, version: string, date: string): Texts {
	const cut = Object.entries(PLACES).map(([file, place]) => [file, texts[file]?.replace(place, version)]);
	const changelog = texts[CHANGELOG]?.replace(UNRELEASED, `${UNRELEASED}\n## [${version}] - ${date}\n`);
	return { ...Object.fromEntries(cut), [CHANGELOG]: changelog };
}

/** What a changelog says under a heading, without the heading. */
export function sectionOf(changelog: string, name: string): string {
	const [, after = ""] = changelog.split(new RegExp(`^## \\[${name.replaceAll(".", "\\.")}\\].*$`, "m"));
	return (after.split(/^## /m)[0] ?? "").trim();
}
