#!/usr/bin/env node
/**
 * dist/main.cjs: runs the program, which is there in two bundles. For a program in the foreground dist/program.cjs, from its bytecode:
 * to compile it would take a tenth of the time until the program starts. For the subcommands dist/subcommands.cjs, which has them, too.
 * On a Node.js that is too old for them it says so; this file itself has to work there, so it imports nothing of Node.js's.
 *
 * The signals are os/signals.ts's, a few hundred microseconds later: it notices what came before.
 */
import { isSubcommand } from "./cli/args.ts";
import { complainOfNode, printRaw } from "./node-version.ts";
import { runScript } from "./script.ts";

const EXIT_USAGE = 2;

const complaint = complainOfNode();
if (complaint !== undefined) {
	printRaw(complaint);
	process.exitCode = EXIT_USAGE;
} else if (isSubcommand(process.argv[2]))
	require(`${__dirname}/subcommands.cjs`);
else {
	const program = `${__dirname}/program.cjs`;
	runScript(program)(require, `file://${program}`);
}
