import { readFileSync } from "node:fs";

/** Version of the package. Sources and built package both lie one folder below package.json. */
export function readVersion(): string {
	const file = new URL("../package.json", import.meta.url);
	return (JSON.parse(readFileSync(file, "utf8")) as { version: string })
		.version;
}
