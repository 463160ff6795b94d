#!/usr/bin/env node
/**
 * dist/main.cjs: runs the program, which is there in two bundles. For a program in the foreground dist/program.cjs, from the bytecode
 * that the build has kept: to compile it would take a tenth of the time until the program starts. Bytecode of another version of V8 is
 * refused by V8, which then compiles. For the subcommands dist/subcommands.cjs, which has them, too. On a Node.js that is too old
 * for them it says so; this file itself has to work there, so it imports nothing of Node.js's.
 *
 * The signals are os/signals.ts's, a few hundred microseconds later: it notices what came before.
 */
import { isSubcommand } from "./cli/args.ts";
import { attempt } from "./errors.ts";
import { complainOfNode, printRaw } from "./node-version.ts";

const EXIT_USAGE = 2;

const complaint = complainOfNode();
if (complaint !== undefined) {
	printRaw(complaint);
	process.exitCode = EXIT_USAGE;
} else if (isSubcommand(process.argv[2]))
	require(`${__dirname}/subcommands.cjs`);
else runProgram();

function runProgram(): void {
	const { readFileSync } = process.getBuiltinModule("node:fs");
	const { Script } = process.getBuiltinModule("node:vm");
	const filename = `${__dirname}/program.cjs`;
	const cachedData = attempt(() =>
		readFileSync(`${__dirname}/program.bytecode`),
	);
	// The bundle is ASCII, and has to be the very text that the bytecode was made of.
	const program = new Script(readFileSync(filename, "latin1"), {
		filename,
		...(cachedData && { cachedData }),
	});
	program.runInThisContext()(require, `file://${filename}`);
}
