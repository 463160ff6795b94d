#!/usr/bin/env node
/**
 * dist/main.cjs: runs the program, dist/program.cjs, from the bytecode that the build has kept. To compile it would take a tenth
 * of the time until a program in the foreground starts. Bytecode of another version of V8 is refused by V8, which then compiles.
 *
 * The signals are os/signals.ts's, a few hundred microseconds later: it notices what came before.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Script } from "node:vm";
import { attempt } from "./errors.ts";

const filename = `${__dirname}/program.cjs`;
const cachedData = attempt(() => readFileSync(`${__dirname}/program.bytecode`));
// The bundle is ASCII, and has to be the very text that the bytecode was made of.
const program = new Script(readFileSync(filename, "latin1"), {
	filename,
	...(cachedData && { cachedData }),
});
program.runInThisContext()(createRequire(filename), `file://${filename}`);
