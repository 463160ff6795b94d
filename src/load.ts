#!/usr/bin/env node
/**
 * dist/main.cjs: runs the program, which is there in two bundles, from their bytecode: to compile them would take a tenth of the
 * time until a program or a job starts. For a program in the foreground dist/program.cjs; for the subcommands dist/subcommands.cjs, which has
 * them, too. On a Node.js that is too old for them it says so; this file itself has to work there, so it imports nothing of Node.js's.
 *
 * The signals are os/signals/signals.ts's, a few hundred microseconds later: it notices what came before.
 */
import { complainOfNode, printRaw } from "./base/node-version.ts";
import { runScript } from "./base/script.ts";
import { isSubcommand } from "./cli/args.ts";

const EXIT_USAGE = 2;

const complaint = complainOfNode();
if (complaint !== undefined) {
	printRaw(complaint);
	process.exitCode = EXIT_USAGE;
} else {
	const name = isSubcommand(process.argv[2]) ? "subcommands" : "program";
	const program = `${__dirname}/${name}.cjs`;
	const importModule = (url: string) => import(url);
	runScript(program)(require, `file://${program}`, importModule);
}
