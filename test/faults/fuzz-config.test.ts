/** Configurations that nobody means: each is used as it stands, or refused whole, with messages that name the mistakes. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { attempt, UserError } from "../../src/base/errors.ts";
import { MAX_DURATION_MS } from "../../src/base/time.ts";
import { renderPlan } from "../../src/cli/check.ts";
import { loadConfig } from "../../src/config/load.ts";
import { socketPaths, terminationMessagePath } from "../../src/config/paths.ts";
import { resolveStopTimeout } from "../../src/config/stop-timeout.ts";
import { planUnits } from "../../src/service/service.ts";
import { resolveLogSettings, resolveSettings } from "../../src/service/settings.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory, type TestDirectory } from "../helpers/directory.ts";
import { parseEvents } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { damage, damages, mutate, mutations, oddJson, oddText, oddValue } from "../helpers/odd.ts";
import { fc, holds } from "../helpers/property.ts";

const WHOLE = {
	$schema: "schema.json",
	stopTimeout: "3s",
	drainDelay: "10ms",
	socket: false,
	terminationMessage: false,
	logLevel: "info",
	logFormat: "json",
	jobs: {
		first: {
			command: ["true"],
			env: { A: "1", B: "" },
			cwd: ".",
			readiness: "exit",
			startTimeout: "2s",
			essential: false,
		},
		second: {
			command: ["sh", "-c", "exit 0"],
			dependsOn: ["first"],
			readiness: { tcp: "127.0.0.1:1" },
			startTimeout: "100ms",
			restart: "on-failure",
			restartDelay: "10ms",
			maxRestarts: 1,
			stopTimeout: "1s",
			stopSignal: "SIGINT",
			successExitCodes: [1, 2],
			output: "log",
			essential: true,
		},
	},
};
/** What would only be in the way where jobs are really started. */
const SHAPE = {
	...WHOLE,
	http: { host: "127.0.0.1", port: 9000 },
	jobs: {
		...WHOLE.jobs,
		third: {
			thread: "job.ts",
			data: { a: [1, { b: null }] },
			resourceLimits: { maxOldGenerationSizeMb: 64, stackSizeMb: 4 },
			readiness: { http: "http://127.0.0.1:8080/" },
			dependsOn: ["first", "second"],
		},
	},
};

/** What everything that a user reads has in common. */
function assertReadable(message: string): void {
	assert.doesNotMatch(message, /\n\s+at .*:\d+:\d+\)?$/m);
	for (const line of message.split("\n")) assert.ok(line.length < 2_000, `${line.length} characters in a line`);
}

/** What `lastcall check` does, and the first steps of `run`. */
async function use(path: string, value: unknown): Promise<"used" | "refused"> {
	try {
		const settings = resolveSettings(
			{ path, value },
			{ env: { PATH: "/usr/bin:/bin" }, isTerminal: false, isInit: true },
		);
		assert.ok(renderPlan(settings).length > 3);
		const hooks = { onOutput: () => {}, onDropped: () => {} };
		const plans = await planUnits(settings, () => hooks);
		assert.equal(plans.length, Object.keys(settings.jobs).length);
		for (const { startTimeout = 0, restartDelay } of plans) assert.ok(startTimeout >= 0 && restartDelay >= 0);
		return "used";
	} catch (error) {
		assert.ok(error instanceof UserError, (error as Error).stack ?? "");
		assert.match(error.message, /^Cannot use |^The stop timeout /);
		assertReadable(error.message);
		return "refused";
	}
}

function configFolder(): TestDirectory {
	return makeDirectory({ "job.ts": "export default () => {};" });
}

test("every value is a configuration, or its mistakes are named", async (t) => {
	using directory = configFolder();
	const path = join(directory.path, "lastcall.config.ts");
	assert.equal(await use(path, SHAPE), "used");
	const counts = { used: 0, refused: 0 };
	const tried = await holds(t, mutations(oddValue), { short: 5_000, full: 100_000 }, async (all) => {
		counts[await use(path, all.reduce(mutate, SHAPE))]++;
	});
	assert.ok(counts.used > 0 && counts.refused > counts.used);
	keepFigures(t, "bad input", "configurations, as values", { tried, ...counts, "crashed, or without a message": 0 });
});

const VARIABLES = [
	...["LASTCALL_STOP_TIMEOUT", "LASTCALL_SOCKET", "LASTCALL_LOG_LEVEL"],
	...["LASTCALL_LOG_FORMAT", "LASTCALL_TERMINATION_MESSAGE", "DYNO"],
];

test("every environment is understood, or the variable is named", async (t) => {
	const tried = await holds(
		t,
		fc.dictionary(fc.constantFrom(...VARIABLES), oddText),
		{ short: 10_000, full: 200_000 },
		(env) => {
			try {
				resolveLogSettings(env, { level: "info", format: undefined }, false);
				const { ms } = resolveStopTimeout(undefined, env, undefined);
				assert.ok(ms >= 0 && ms <= MAX_DURATION_MS);
				assert.ok(socketPaths(env, undefined, "/x", true).length > 0);
				terminationMessagePath(env, undefined, "/x");
			} catch (error) {
				assert.ok(error instanceof UserError, (error as Error).stack ?? "");
				assert.match(error.message, /^Cannot use LASTCALL_\w+: /);
				assertReadable(error.message);
			}
		},
	);
	keepFigures(t, "bad input", "environments", { tried, crashed: 0 });
});

const FORMATS = ["ts", "mts", "js", "mjs", "json", "yaml", "yml"] as const;
type Format = (typeof FORMATS)[number];

function write(value: unknown, format: Format): string {
	if (format === "json") return JSON.stringify(value, undefined, 1);
	// What is nested too deeply for the one who writes is left to the one who reads: JSON is YAML, too.
	if (format.startsWith("y")) return attempt(() => stringify(value)) ?? JSON.stringify(value);
	return `export default ${JSON.stringify(value, undefined, 1)};\n`;
}

const texts = (format: fc.Arbitrary<Format>, base: object) =>
	fc
		.tuple(format, fc.option(mutations(oddJson), { nil: [] }), fc.oneof(fc.constant([]), damages), fc.boolean())
		.map(([format, changes, harm, crlf]) => {
			const value = changes.reduce<unknown>(mutate, base);
			const text = write(value ?? null, format);
			const lines = crlf ? text.replaceAll("\n", "\r\n") : text;
			return { format, bytes: damage(Buffer.from(lines), harm) };
		});

const GROUPS: [runs: { short: number; full: number }, formats: Format[]][] = [
	[{ short: 600, full: 10_000 }, ["json", "yaml", "yml"]],
	// Node.js never forgets a module.
	[{ short: 150, full: 4_000 }, ["ts", "mts", "js", "mjs"]],
];

for (const [runs, formats] of GROUPS) {
	test(`every text of ${formats.join(", ")} is a configuration, or its mistakes are named`, async (t) => {
		using directory = configFolder();
		const counts = { used: 0, refused: 0, unreadable: 0 };
		let [number, slowest] = [0, 0];
		const tried = await holds(t, texts(fc.constantFrom(...formats), SHAPE), runs, async ({ format, bytes }) => {
			const path = join(directory.path, `${number++}.${format}`);
			writeFileSync(path, bytes);
			const start = performance.now();
			let value: unknown;
			try {
				({ value } = await loadConfig(path));
			} catch (error) {
				assert.ok(error instanceof UserError, (error as Error).stack ?? "");
				assert.match(error.message, /^Cannot (read|use) the configuration /);
				assert.doesNotMatch(error.message, /\n\s+at .*:\d+:\d+\)?$/m);
				counts.unreadable++;
				return;
			} finally {
				slowest = Math.max(slowest, performance.now() - start);
			}
			counts[await use(path, value)]++;
		});
		assert.ok(counts.used > 0 && counts.refused > 0 && counts.unreadable > 0);
		keepFigures(t, "bad input", `configurations, as ${formats.join(", ")}`, {
			tried,
			...counts,
			"crashed, or without a message": 0,
			"slowest, ms": Math.round(slowest),
		});
	});
}

test("lastcall run starts all of a configuration or nothing, and ends either way", async (t) => {
	using directory = makeDirectory();
	let [number, started, refused] = [0, 0, 0];
	const tried = await holds(
		t,
		texts(fc.constantFrom(...FORMATS), WHOLE),
		{ short: 35, full: 420 },
		async ({ format, bytes }) => {
			// A folder of its own: what a configuration names is made beside it.
			const folder = join(directory.path, String(number++));
			mkdirSync(folder);
			const path = join(folder, `lastcall.config.${format}`);
			writeFileSync(path, bytes);
			const { code, stdout, stderr } = await lastcall(["run"], {
				cwd: folder,
				timeout: 60_000,
				env: { LASTCALL_STOP_TIMEOUT: "3s" },
			});
			const types = new Set(parseEvents(stdout.split("\n")).map(({ type }) => type));
			if (code === 2 && !types.has("init.started")) {
				refused++;
				assert.match(stderr, /^lastcall: Cannot |^lastcall: The stop timeout /);
				assert.doesNotMatch(stderr, /\n\s+at .*:\d+:\d+\)?$/m);
				assert.equal(stdout, "");
				return;
			}
			started++;
			assert.notEqual(code, 137, `it hung: ${stdout}${stderr}`);
			assert.doesNotMatch(stdout, /"outcome":"not-started"/, "half a service");
			// With a log level of its own it may have nothing to say.
			if (types.size > 0) assert.match(stdout, /"event":"stop.finished"|Exiting/, stderr);
		},
	);
	keepFigures(t, "bad input", "services started with bad configurations", {
		tried,
		"refused whole": refused,
		"started whole": started,
		"half-started, crashed, or hung": 0,
	});
});
