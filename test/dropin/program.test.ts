/** What the program finds when it starts: arguments, environment, descriptors, signals. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { suite, test } from "node:test";
import { BINDINGS, WITHOUT_BINDING } from "../helpers/bindings.ts";
import { ours, runInit, startInit } from "../helpers/inits.ts";

const plain = { asInit: false };
const sh = (script: string) => ["-s", "--", "sh", "-c", script];

/** Each way to reach the C library, and none. */
const ways = [...BINDINGS, ["no binding", WITHOUT_BINDING]] as const;

for (const [name, nodeFlags] of ways) {
	const lastcall = ours("lastcall", { nodeFlags });

	suite(`with ${name}`, () => {
		test("exit codes", async () => {
			for (const [command, code] of [
				[["sh", "-c", "exit 3"], 3],
				[["sh", "-c", "kill -TERM $$"], 143],
				[["/nonexistent"], 127],
				[["/tmp"], 126],
			] as const) {
				const found = await runInit(lastcall, ["-s", "--", ...command], plain);
				assert.equal(found.code, code, found.stderr);
			}
		});

		test("standard streams and the descriptors above reach the program, and no other", async () => {
			const file = openSync("/etc/hostname", "r");
			const nothing = openSync("/dev/null", "r");
			const found = await runInit(
				lastcall,
				sh("readlink /proc/$$/fd/3 /proc/$$/fd/4 /proc/$$/fd/5; ls /proc/$$/fd; cat <&3 >/dev/null"),
				{ ...plain, descriptors: [file, file, nothing] },
			);
			closeSync(file);
			closeSync(nothing);
			const [three, four, five, ...all] = found.stdout.trimEnd().split("\n");
			assert.deepEqual([three, four], ["/etc/hostname", "/etc/hostname"]);
			assert.equal(five, "/dev/null");
			// Beyond those there may be some that everybody here inherits.
			const low = all.map(Number).filter((fd) => fd < 100);
			assert.deepEqual(low, [0, 1, 2, 3, 4, 5]);
			assert.equal(found.code, 0);
		});

		test("no signal is blocked or ignored", async () => {
			const found = await runInit(lastcall, ["-s", "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], plain);
			assert.match(found.stdout, /SigBlk:\t0{16}\nSigIgn:\t0{16}/);
		});

		test("the environment is for the program, whatever it is", async () => {
			const found = await runInit(lastcall, sh('echo "$NODE_EXTRA_CA_CERTS $EMPTY| $LISTEN_FDS"'), {
				...plain,
				env: { NODE_EXTRA_CA_CERTS: "", EMPTY: "", LISTEN_FDS: "2" },
			});
			assert.equal(found.stdout.trimEnd(), " | 2");
		});

		test("a stop signal reaches the program", async () => {
			await using running = await startInit(lastcall, [
				"--",
				"sh",
				"-c",
				'trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done',
			]);
			await running.stdout.waitFor(/^ready$/);
			await running.kill("SIGTERM");
			assert.equal(await running.exit(), 8);
		});
	});
}

test("a real-time signal that ends the program makes 128 + n", async () => {
	for (const [, nodeFlags] of BINDINGS) {
		const lastcall = ours("lastcall", { nodeFlags });
		const found = await runInit(lastcall, sh("kill -40 $$"), plain);
		assert.equal(found.code, 168, found.stderr);
	}
});

test("without a binding it is said once what is missing", async () => {
	const found = await runInit(ours("lastcall", { nodeFlags: WITHOUT_BINDING }), ["-s", "true"], plain);
	assert.equal(found.stderr.match(/Neither node:ffi nor koffi loads/g)?.length, 1);
});

test("arguments that are no UTF-8 keep their bytes", async () => {
	const [command = "", ...rest] = ours("lastcall");
	const words = [command, ...rest].map((word) => `'${word}'`).join(" ");
	const bytes = execFileSync("sh", ["-c", `arg=$(printf 'a\\377\\376b'); ${words} -s -- printf %s "$arg" ä`]);
	assert.deepEqual([...bytes], [0x61, 0xff, 0xfe, 0x62, 0xc3, 0xa4]);
});

test("a pipe that came with both its ends is passed on", async () => {
	// As make's jobserver. It is older than we are; Node.js has such pipes too, which are not.
	const words = ours("lastcall")
		.map((word) => `'${word}'`)
		.join(" ");
	const script = `exec 7<>/dev/null; dir=$(mktemp -d); mkfifo $dir/p; exec 8<>$dir/p; rm -r $dir; ${words} -s -- sh -c 'echo token >&8; read answer <&8; echo $answer'`;
	const text = execFileSync("sh", ["-c", script], { encoding: "utf8" });
	assert.equal(text.trim(), "token");
});
