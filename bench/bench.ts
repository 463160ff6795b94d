/**
 * `npm run bench -- [MEASURE...]`: lastcall beside its peers, in one run. Needs Linux, root, gcc; Docker for one measure, which is left out without.
 *
 * Builds what it measures; writes docs/benchmarks/speed.json, in which a measure replaces its own earlier result alone, and what
 * is made from that (the page, the pictures); prints the tables.
 *
 *     --turns N            how often each contestant gets its turn
 *     --quick              as few of everything as possible, to see that it works
 *     --contestant NAME    only this one, and what a measure always compares with; repeatable
 *     --output DIRECTORY   instead of docs
 *     --no-build           measures what has been built already
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { must } from "../scripts/lib/command.ts";
import { Interrupted, interruptedBy, throwIfInterrupted, watchForInterruption } from "../scripts/lib/interruption.ts";
import { root } from "../scripts/lib/paths.ts";
import { runScript, ScriptError } from "../scripts/lib/script.ts";
import { findContestants } from "./contestants/all.ts";
import { describeMachine } from "./lib/machine.ts";
import { CannotMeasure, type Measure } from "./lib/measure.ts";
import { mergeRuns } from "./lib/merge.ts";
import type { Result, Run } from "./lib/result.ts";
import { measure as dockerStop } from "./measures/docker-stop.ts";
import { measure as flag } from "./measures/flag.ts";
import { measure as forward } from "./measures/forward.ts";
import { measure as idle } from "./measures/idle.ts";
import { measure as job } from "./measures/job.ts";
import { measure as memory } from "./measures/memory.ts";
import { measure as reap } from "./measures/reap.ts";
import { measure as start } from "./measures/start.ts";
import { measure as stop } from "./measures/stop.ts";
import { measure as whole } from "./measures/whole.ts";
import { writePage } from "./render/page.ts";
import { renderTable } from "./render/table.ts";

const MEASURES: readonly Measure[] = [start, whole, forward, reap, memory, idle, stop, job, flag, dockerStop];
const NAMES = MEASURES.map(({ name }) => name);

await runScript(async () => {
	const { values, positionals } = readArguments();
	watchForInterruption();
	try {
		await bench(values, positionals);
	} catch (error) {
		// Whatever it was that could not go on.
		const signal = interruptedBy();
		throw signal === undefined ? error : new Interrupted(signal);
	}
	return 0;
});

async function bench(values: Values, positionals: readonly string[]): Promise<void> {
	for (const script of values["no-build"] ? [] : ["build", "sea"])
		await must(process.execPath, [join(root, `scripts/${script}.ts`)], { cwd: root, timeout: 300_000 });
	const all = await findContestants();
	const names = all.map(({ name }) => name);
	for (const name of values.contestant ?? [])
		if (!names.includes(name))
			throw new ScriptError(`Cannot measure the contestant "${name}", expected one of ${names.join(", ")}`, {
				exitCode: 2,
			});
	const contestants = all.filter(({ name }) => values.contestant?.includes(name) ?? true);

	const results: Result[] = [];
	for (const measure of MEASURES) {
		if (positionals.length > 0 && !positionals.includes(measure.name)) continue;
		const began = performance.now();
		const say = (progress: string) => console.error(`${measure.name}: ${progress}`);
		let result: Result;
		try {
			const turns = values.turns === undefined ? undefined : Number(values.turns);
			result = await measure.run({ contestants, turns, quick: values.quick, say });
		} catch (error) {
			if (!(error instanceof CannotMeasure) || positionals.length > 0) throw error;
			say(`left out: ${error.message}`);
			continue;
		}
		const seconds = ((performance.now() - began) / 1_000).toFixed(0);
		console.error(`${measure.name}: done in ${seconds} s`);
		console.log(`\n## ${result.title}\n\n${renderTable(result)}\n`);
		for (const { text, found, limit, met } of result.aims)
			console.log(`- ${met ? "met" : "missed"}: ${text}: ${found.toFixed(2)} (${limit})`);
		results.push(result);
	}

	throwIfInterrupted();
	const directory = join(values.output, "benchmarks");
	const file = join(directory, "speed.json");
	const earlier: Run | undefined = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
	const run = mergeRuns(
		earlier,
		{
			date: new Date().toISOString().slice(0, 10),
			machine: describeMachine(),
			versions: Object.fromEntries(contestants.map(({ name, version }) => [name, version])),
			results,
		},
		NAMES,
	);
	mkdirSync(directory, { recursive: true });
	writeFileSync(file, `${JSON.stringify(run, null, "\t")}\n`);
	await writePage(run, values.output);
}

type Values = ReturnType<typeof parse>["values"];

function readArguments() {
	const parsed = parse();
	const unknown = parsed.positionals.filter((name) => !NAMES.includes(name));
	if (unknown.length > 0)
		throw new ScriptError(`Cannot measure "${unknown.join('", "')}", expected one of ${NAMES.join(", ")}`, {
			exitCode: 2,
		});
	const { turns } = parsed.values;
	if (turns !== undefined && !/^[1-9]\d*$/.test(turns))
		throw new ScriptError(`Expected a whole number above 0 after --turns, found "${turns}"`, { exitCode: 2 });
	return parsed;
}

function parse() {
	try {
		return parseArgs({
			allowPositionals: true,
			options: {
				turns: { type: "string" },
				"no-build": { type: "boolean", default: false },
				quick: { type: "boolean", default: false },
				contestant: { type: "string", multiple: true },
				output: { type: "string", default: join(root, "docs") },
			},
		});
	} catch (error) {
		// Its errors are all about the arguments.
		throw new ScriptError((error as Error).message, { exitCode: 2 });
	}
}
