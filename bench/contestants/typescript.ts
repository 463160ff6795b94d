/** The contestants whose jobs may be TypeScript, with such jobs: as they are, and prepared as the build of an image can. */
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { inTypeScript, prepared } from "../lib/names.ts";

/** @param serve Runs a service of threads. `isPrepared`: what the build of an image can do has been done. */
export function typeScriptContestants(
	{ name, version }: Contestant,
	serve: (threads: number, directory: string, isPrepared: boolean) => Launch,
): Contestant[] {
	const make = (name: string, isPrepared: boolean): Contestant => ({
		name,
		version,
		serve: ({ threads, processes }: IdleService, directory) =>
			processes > 0 ? undefined : serve(threads, directory, isPrepared),
	});
	const plain = inTypeScript(name);
	return [make(plain, false), make(prepared(plain), true)];
}
