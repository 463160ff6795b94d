/** Whose line is it, on a terminal. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fixture, writeConfig } from "../helpers/lastcall.ts";
import { MAIN } from "../helpers/main.ts";
import { shell } from "../helpers/programs.ts";
import { openPty } from "../helpers/pty.ts";

test("on a terminal each line follows the name of its job, in the colour of the job", async () => {
	using config = writeConfig({
		output: "log",
		jobs: {
			web: { command: shell(`echo '{"a":1}'; echo words >&2`), essential: false },
			mailer: { thread: fixture("evaluating"), data: 'console.log("sent")', essential: false },
		},
	});
	for (const [term, expected] of [
		["dumb", ['web    | {"a":1}', "web    | words", "mailer | sent"]],
		["xterm", ['\x1b[36mweb    |\x1b[0m {"a":1}', "\x1b[36mweb    |\x1b[0m words", "\x1b[33mmailer |\x1b[0m sent"]],
	] as const) {
		const env = {
			TERM: term,
			NO_COLOR: undefined,
			FORCE_COLOR: undefined,
			CI: undefined,
			COLORTERM: undefined,
			LASTCALL_SOCKET: join(config.path, "..", term),
		};
		await using terminal = openPty(process.execPath, [MAIN, "run", config.path], { env });
		assert.equal((await terminal.exit()).code, 0);
		for (const line of expected) assert.ok(terminal.lines.all.includes(line), terminal.lines.text);
	}
});
