#!/usr/bin/env node
/**
 * dist/main.cjs: runs the program from its bytecode. To compile it would take a tenth of the time until a program or a
 * job starts.
 *
 * The program is there twice: dist/program.cjs for a program in the foreground, dist/subcommands.cjs for the
 * subcommands, which need more. On a Node.js that is too old for both, this file says so. It has to run there itself,
 * so it imports no module of Node.js.
 *
 * It does not listen to signals: os/signals/signals.ts starts a few hundred microseconds later, and notices what came
 * before.
 */
import { runScript } from "./base/script.ts";
import { complainOfNode, printRaw } from "./base/versions.ts";
import { isSubcommand } from "./cli/args.ts";

const EXIT_USAGE = 2;

const complaint = complainOfNode();
if (complaint !== undefined) {
	printRaw(complaint);
	process.exitCode = EXIT_USAGE;
} else {
	const program = `${__dirname}/${isSubcommand(process.argv[2]) ? "subcommands" : "program"}.cjs`;
	const importModule = (url: string) => import(url);
	runScript(program)(require, `file://${program}`, importModule);
}
