/** In a real terminal, side by side with tini: job control, keys, window size, and whose the terminal is afterwards. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { type Init, needs, ours } from "../helpers/inits.ts";
import { namespace } from "../helpers/lastcall.ts";
import { key, openPty, type Pty } from "../helpers/pty.ts";

/** An interactive bash that counts its commands in the prompt, so that no prompt is taken for another. */
class Shell implements AsyncDisposable {
	readonly terminal: Pty;
	#commands = 0;
	/** Index of the line on which the last command was typed. */
	#start = -1;

	constructor(init: Init) {
		const all = [...init, "bash", "--norc", "--noprofile", "-i"];
		this.terminal = openPty(all[0] as string, all.slice(1), { env: { PS1: "\\#> " } });
	}

	get text(): string {
		return this.terminal.lines.text;
	}

	/** Waits for the next prompt; returns what is shown before it. */
	async prompt(): Promise<string> {
		const { lines } = this.terminal;
		this.#commands++;
		await lines.waitFor(new RegExp(`^${this.#commands}> $`));
		return lines.all.slice(this.#start + 1).join("|");
	}

	/** Types a line, and returns what it shows. */
	async type(line: string): Promise<string> {
		this.start(line);
		return await this.prompt();
	}

	start(line: string): void {
		this.#start = this.terminal.lines.all.length;
		this.terminal.type(`${line}${key.enter}`);
	}

	/** Waits for a line that the command at hand prints. */
	async line(pattern: RegExp): Promise<void> {
		const from = this.#start + 1;
		await this.terminal.lines.waitFor(pattern, { from });
	}

	async exit(code: number): Promise<number> {
		this.start(`exit ${code}`);
		return (await this.terminal.exit()).code;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.terminal[Symbol.asyncDispose]();
	}
}

/** Answers each line, and forks nothing: a shell that is stopped in the middle of vfork(2) never is. */
const JOB = "sh -c 'echo started; exec sed -u s/^/got-/'";

/** Everything a user at the prompt would see and do. */
async function session(init: Init): Promise<string[]> {
	await using shell = new Shell(init);
	const shown = [await shell.prompt()];
	const note = (text: string) => shown.push(text);

	note(await shell.type("ps -o pgid= -p $$ | grep -cwF $$"));
	note(await shell.type("ps -o sid= -p $$ | grep -cwF $$"));
	shell.start(JOB);
	await shell.line(/^started/);
	shell.terminal.type(`one${key.enter}`);
	await shell.line(/^got-one/);
	shell.terminal.type(key.ctrlZ);
	note(await shell.prompt());
	note(await shell.type("jobs"));
	shell.start("fg");
	await shell.line(/^sh -c/);
	shell.terminal.type(`two${key.enter}`);
	await shell.line(/^got-two/);
	shell.terminal.type(key.ctrlC);
	note(await shell.prompt());
	note(await shell.type("echo code $?"));
	shell.start(
		// The last wait is for a second interrupt, which must not come.
		"sh -c 'trap \"echo one interrupt; n=1\" INT; echo started; until [ $n ]; do sleep 0.05; done; sleep 0.5; echo through'",
	);
	await shell.line(/^started/);
	shell.terminal.type(key.ctrlC);
	note(await shell.prompt());
	shell.start("sh -c 'trap \"stty size; exit\" WINCH; echo started; while :; do sleep 0.05; done'");
	await shell.line(/^started/);
	shell.terminal.resize({ cols: 77, rows: 33 });
	note(await shell.prompt());
	shown.push(`exit code ${await shell.exit(5)}`);
	return shown;
}

suite("as tini in a terminal", needs("tini"), () => {
	test("as PID 1", async () => {
		const expected = await session([...namespace(), "tini", "--"]);
		const found = await session([...namespace(), ...ours("tini"), "--"]);
		assert.deepEqual(found, expected);
		assert.deepEqual(found.slice(0, 3), ["", "1", "0"]);
	});

	test("as a subreaper", async () => {
		const expected = await session(["tini", "-s", "--"]);
		const found = await session([...ours("tini"), "-s", "--"]);
		assert.deepEqual(found, expected);
		assert.deepEqual(found.slice(0, 3), ["", "1", "0"]);
	});
});

suite("as dumb-init in a terminal", needs("dumb-init"), () => {
	test("the program's session has the terminal", async () => {
		const expected = await session(["dumb-init"]);
		const found = await session(ours("dumb-init"));
		assert.deepEqual(found, expected);
		assert.deepEqual(found.slice(0, 3), ["", "1", "1"]);
	});
});

test("a script without #! has the terminal in its session, and no hangup", async () => {
	using directory = makeDirectory();
	const path = `${directory.path}/script`;
	writeFileSync(path, "trap 'echo hangup' HUP\nps -o tty= -p $$\nsleep 0.5\necho through\n", { mode: 0o755 });
	const [file, ...args] = ours("dumb-init");
	await using terminal = openPty(file as string, [...args, path]);
	assert.equal((await terminal.exit()).code, 0);
	assert.match(terminal.lines.text, /^pts\/\d+\s+through\s*$/);
});

test("the caller has the terminal again afterwards", async () => {
	// The outer shell has no job control: nobody but us gives it the foreground back.
	const script = `${quoted("sh", "-c", "read line; echo got $line")}; read line; echo then $line; exit 3`;
	await using terminal = openPty("sh", ["-c", script]);
	terminal.type(`one${key.enter}`);
	await terminal.lines.waitFor(/^got one/);
	terminal.type(`two${key.enter}`);
	await terminal.lines.waitFor(/^then two/);
	assert.equal((await terminal.exit()).code, 3);
});

test("what the program makes of the terminal stays", async () => {
	const script = `${quoted("stty", "-echo")}; stty -a; exit 0`;
	await using terminal = openPty("sh", ["-c", script]);
	assert.equal((await terminal.exit()).code, 0);
	assert.match(terminal.lines.text, / -echo /);
});

test("from the background the terminal is not taken", async () => {
	using directory = makeDirectory();
	const up = `${directory.path}/up`;
	await using shell = new Shell([]);
	await shell.prompt();
	await shell.type(`${quoted("sh", "-c", `>${up}; sleep 0.5`)} &`);
	await shell.type(`until [ -e ${up} ]; do sleep 0.05; done`);
	await shell.type("read -t 1 answer; echo read");
	const shown = await shell.type('wait; echo "the job ended with $?"');
	assert.match(shown, /the job ended with 0/);
	assert.equal(await shell.exit(0), 0);
});

/** Ours with a program, as a shell command. */
function quoted(...command: string[]): string {
	return [...ours("lastcall"), "-s", "--", ...command].map((word) => `'${word}'`).join(" ");
}
