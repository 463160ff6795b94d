/**
 * `node scripts/lib/bytecode.ts DIRECTORY NAME`: has DIRECTORY/NAME.cjs do what it is there for once, and keeps the bytecode of all
 * that V8 has compiled for it, for src/base/script.ts. V8 compiles a function when it is first called: without a run there is none.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Script } from "node:vm";
import type { Packages } from "../../src/base/packages.ts";

const [directory = "dist", name = "program"] = process.argv.slice(2);
const filename = resolve(directory, `${name}.cjs`);
const bytecode = resolve(directory, `${name}.bytecode`);
const require = createRequire(filename);
// Under its name alone: the bytecode keeps it, and where the package was built is nobody's business.
const script = new Script(readFileSync(filename, "latin1"), { filename: `${name}.cjs` });
const importModule = (url: string) => import(url);

function save(): void {
	writeFileSync(bytecode, script.createCachedData());
}

/** What the init does with each of its packages. */
const USES: Readonly<Record<string, (exports: never) => unknown>> = {
	execa: async ({ execa }: Packages["execa"]) => {
		const options = {
			buffer: false,
			reject: false,
			cleanup: false,
			detached: true,
			extendEnv: false,
			stdio: ["ignore", "ignore", "pipe"],
		} as const;
		await execa("true", [], options);
		await execa("/none", [], options);
	},
	yaml: ({ parseDocument, visit, isScalar, LineCounter }: Packages["yaml"]) => {
		const lineCounter = new LineCounter();
		const text =
			"stopTimeout: 8s\njobs:\n  web: { command: [node, 'server.js'] } # flow\n  job:\n    thread: ./job.ts\n";
		const document = parseDocument(text, { uniqueKeys: false, lineCounter });
		visit(document, {
			Map(_, { items }) {
				for (const { key } of items) if (isScalar(key)) lineCounter.linePos(0);
			},
		});
		document.toJS();
	},
	pino: ({ pino }: Packages["pino"]) => {
		const log = pino({ level: "trace", base: {}, formatters: { level: (level) => ({ level }) } }, { write: () => {} });
		log.info({ event: "x", list: [1], deep: { a: true } }, "message");
	},
};

if (name === "program") program();
else if (name === "subcommands") service();
else {
	const exports = {} as Packages[keyof Packages];
	script.runInThisContext()(exports, require);
	await USES[name]?.(exports as never);
	save();
}

/** Runs a service of a thread and a process until both have ended. */
function service(): void {
	const folder = mkdtempSync(join(tmpdir(), "lastcall-build-"));
	writeFileSync(
		join(folder, "job.cjs"),
		"module.exports = async ({ flag, ready }) => { ready(); await flag.raised(); };",
	);
	const jobs = {
		thread: { thread: "job.cjs", readiness: "notify" },
		process: { command: ["true"], dependsOn: ["thread"] },
	};
	const config = join(folder, "lastcall.config.json");
	writeFileSync(config, JSON.stringify({ jobs, logLevel: "silent" }));
	process.argv = [process.execPath, filename, "run", config];
	process.once("exit", () => {
		save();
		rmSync(folder, { recursive: true });
	});
	script.runInThisContext()(require, `file://${filename}`, importModule);
}

function program(): void {
	// An orphan to reap, signals to pass on (ignored by default) until there is bytecode, or nobody any more to make it.
	const shell = `(true &); while [ ! -e '${bytecode}' ] && kill -WINCH $PPID; do sleep 0.05; done`;
	process.argv = [process.execPath, filename, "-s", "--", "sh", "-c", shell];
	let signals = 0;
	process.on("SIGWINCH", () => {
		// The first one has still to be passed on.
		if (++signals === 2) save();
	});
	script.runInThisContext()(require, `file://${filename}`, importModule);
}
