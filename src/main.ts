#!/usr/bin/env node
/** The program: arguments in, exit code out. The only file that reads `process.argv` or ends the process. */
import "./os/signals/signals.ts"; // First: from here on no stop signal is lost.
import { isUserError, UserError } from "./base/errors.ts";
import { readVersion } from "./base/versions.ts";
import { type Command, parseCommand } from "./cli/args.ts";
import { answerUnknownWord, helpText } from "./cli/help.ts";
import { exec } from "./dropin/exec.ts";
import { identify } from "./dropin/settings.ts";
import { keepStderrBlocking } from "./os/output/stderr.ts";
import { exitAtOnce, exitWithListeners } from "./os/processes/exit.ts";
import * as signals from "./os/signals/signals.ts";

const EXIT_USAGE = 2;
const EXIT_BUG = 1;

// No top-level await: the bundle is CommonJS, which starts faster.
main(process.argv.slice(2)).catch((error) => {
	if (isUserError(error)) {
		console.error(`lastcall: ${error.message}`);
		return exitWithListeners(EXIT_USAGE);
	}
	// A bug of ours. Not thrown again: a listener for uncaught exceptions could wait for a stop that never comes.
	console.error(error);
	exitWithListeners(EXIT_BUG, { threadMayBeStuck: true });
});

async function main(args: readonly string[]): Promise<void> {
	const identity = identify(process.argv[1] ?? process.argv0);
	const command = identity.subcommands ? parseCommand(args) : ({ type: "exec" } as const);
	refuseInSingleExecutable(command.type);
	// The imports above serve a program in the foreground. Every other command loads what it needs here.
	switch (command.type) {
		case "help":
			return console.log(helpText(command.command).trimEnd());
		case "usage":
			console.error(
				`${helpText()}\nlastcall: Cannot start: found no command and no program, expected one of the above`,
			);
			return exitWithListeners(EXIT_USAGE);
		case "version":
			return console.log(`lastcall ${readVersion()}`);
		case "exec": {
			const code = await exec(args, process.env, identity);
			const [word = ""] = args;
			return exitAtOnce(code === "unknown word" ? await answerUnknownWord(word, !inSingleExecutable()) : code);
		}
		case "init": {
			const { init } = await import("./cli/init.ts");
			const { DEFAULT_NAMES } = await import("./config/load.ts");
			const { resolveSettings } = await import("./service/settings.ts");
			const surroundings = { env: process.env, isTerminal: false, isInit: false };
			const check = (value: unknown, path: string) => void resolveSettings({ path, value }, surroundings);
			return console.log((await init({ ...command, taken: DEFAULT_NAMES, check })).trimEnd());
		}
		case "run": {
			keepStderrBlocking();
			const { run } = await import("./run/run.ts");
			const { code, threadMayBeStuck } = await run(command, signals);
			return exitWithListeners(code, { threadMayBeStuck });
		}
		case "check": {
			const { check } = await import("./cli/check.ts");
			return console.log((await check(command, process.env)).trimEnd());
		}
		case "rehearse": {
			// All that can end it from a terminal: what runs then must not be left.
			signals.listenTo(["SIGHUP", "SIGQUIT"]);
			const aborted = new AbortController();
			let code: number | undefined;
			signals.onSignal(({ number }) => {
				code ??= 128 + number;
				aborted.abort();
			});
			const { rehearse } = await import("./rehearse/rehearse.ts").catch(() => {
				throw new UserError(
					"Cannot rehearse: dist/rehearse.cjs of lastcall is missing, expected the package as npm installs it",
				);
			});
			const self = [process.execPath, process.argv[1] as string];
			const result = await rehearse(command.args, self, aborted.signal);
			return exitWithListeners(code ?? result);
		}
		case "status":
		case "control": {
			// Like any other client, it is ended by a signal.
			signals.onSignal(({ number }) => exitWithListeners(128 + number));
			const { runRemote } = await import("./cli/remote.ts");
			return exitWithListeners(await runRemote(command));
		}
	}
}

/** The single executable contains only what starts fast and needs no other file. */
function refuseInSingleExecutable(type: Command["type"]): void {
	if (["exec", "help", "usage", "version"].includes(type) || !inSingleExecutable()) return;
	throw new UserError(
		`Cannot do "${process.argv[2]}" in the single executable, expected the npm package lastcall and Node.js for it. (For a program of that name: lastcall -- ${process.argv[2]})`,
	);
}

function inSingleExecutable(): boolean {
	return process.getBuiltinModule("node:sea").isSea();
}
