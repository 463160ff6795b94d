/**
 * `node scripts/lib/bytecode.ts DIRECTORY`: has DIRECTORY/program.cjs run a program once and keeps the bytecode of all that V8
 * has compiled for it, for src/load.ts. V8 compiles a function when it is first called: without a run there is none.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { Script } from "node:vm";

const directory = resolve(process.argv[2] ?? "dist");
const filename = `${directory}/program.cjs`;
const bytecode = `${directory}/program.bytecode`;

// An orphan to reap, signals to pass on (ignored by default) until there is bytecode, or nobody any more to make it.
const shell = `(true &); while [ ! -e '${bytecode}' ] && kill -WINCH $PPID; do sleep 0.05; done`;
process.argv = [process.execPath, filename, "-s", "--", "sh", "-c", shell];

const program = new Script(readFileSync(filename, "latin1"), { filename });
let signals = 0;
process.on("SIGWINCH", () => {
	// The first one has still to be passed on.
	if (++signals === 2) writeFileSync(bytecode, program.createCachedData());
});
program.runInThisContext()(createRequire(filename), `file://${filename}`);
