/**
 * On another kind of machine: Node.js for arm64 under qemu, which makes each system call of arm64 one of this kernel. So the layouts of
 * structs, the machine code and the foreign functions are those of arm64. Numbers of system calls are compared with the kernel's
 * headers in syscall-numbers.test.ts. An arm64 machine runs all other tests instead.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildSingle } from "../../scripts/lib/single.ts";
import { arm64Packages } from "../../scripts/lib/toolchain.ts";
import { startApp } from "../helpers/app.ts";
import { needsArm64, nodeForArm64 } from "../helpers/arm64.ts";
import { makeDirectory, type TestDirectory } from "../helpers/directory.ts";
import { LEAVE_ORPHAN, ours, runInit, startInit } from "../helpers/inits.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

const node = nodeForArm64();
const ORPHANS = 300;

/** koffi looks for the binary of its platform among the packages of arm64. */
const env = { NODE_PATH: arm64Packages() };

const BINDINGS = [
	["node:ffi", ["--disable-warning=ExperimentalWarning"]],
	["koffi", ["--no-experimental-ffi"]],
] as const;

/** Once is enough: that Node.js is the same whichever one runs the tests. */
const major = Number.parseInt(process.versions.node, 10);

if (process.arch !== "arm64" && major >= 26)
	suite("on arm64, as qemu has it", needsArm64(), () => {
		for (const [binding, nodeFlags] of BINDINGS) {
			test(`${binding} loads, and reads the exit codes and signals of zombies`, async () => {
				const program = join(import.meta.dirname, "../fixtures/libc.ts");
				const command = [...node, ...nodeFlags, program];
				const loaded = await runInit(command, ["binding"], { env });
				assert.deepEqual(JSON.parse(loaded.stdout), binding, loaded.stderr);
				const { stdout } = await runInit(command, ["reap"], { env });
				const { status, gone, living } = JSON.parse(stdout);
				assert.deepEqual({ status, gone, living }, { status: { exits: 7, dies: 9 }, gone: true, living: null });
			});

			test(`in place of tini, through ${binding}: orphans are reaped, signals passed on, the code is the program's`, async () => {
				const script = `${LEAVE_ORPHAN}; trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done`;
				const init = ours("lastcall", { node, nodeFlags });
				await using running = await startInit(init, ["--", "sh", "-c", script], { env });
				await running.stdout.waitFor(/^ready$/);
				await running.kill("SIGTERM");
				assert.equal(await running.exit(), 9, running.stderr.text);
				assert.equal(running.stderr.text, "");
			});

			test(`lastcall run, through ${binding}: a thread and a process, ${ORPHANS} orphans, and a stop`, async () => {
				const jobs = {
					thread: { thread: fixture("orphaning"), data: ORPHANS },
					process: { command: ["sh", "-c", 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'] },
				};
				await using lastcall = await startLastcall({ stopTimeout: "60s", jobs }, { node, nodeFlags, env });
				await lastcall.lines.waitFor(/^thread: the shell ended with 0$/);
				await lastcall.lines.waitFor(/^up$/);
				await until(() => zombies(lastcall.pid) === 0, "every orphan is reaped");
				lastcall.kill("SIGTERM");
				assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
				assert.equal(lastcall.event("init.started").binding, binding);
				const { report } = lastcall.event("stop.finished");
				assert.deepEqual(Object.fromEntries(report.jobs.map(({ job, exit }) => [job, exit.outcome])), {
					thread: "finished",
					process: "exited",
				});
				assert.match(lastcall.lines.text, /^bye$/m);
			});

			test(`lastcall/register, through ${binding}: orphans are reaped, and SIGTERM ends the app`, async () => {
				await using app = await startApp("orphaning", { node, nodeFlags, env, args: ["50"] });
				await app.lines.waitFor(/^the shell ended with 0$/);
				await until(() => zombies(app.pid) === 0, "every orphan is reaped");
				app.kill("SIGTERM");
				assert.equal((await app.exit()).code, 143, app.lines.text);
			});
		}

		suite("the single executable", () => {
			let directory: TestDirectory;
			before(async () => {
				directory = makeDirectory();
				await buildSingle(join(directory.path, "lastcall"), node);
			});
			after(() => directory?.[Symbol.dispose]());

			test("runs a program, and refuses subcommands", async () => {
				const single = [...node.slice(0, -1), join(directory.path, "lastcall")];
				const found = await runInit(single, ["--", "sh", "-c", `${LEAVE_ORPHAN}; exit 3`]);
				assert.deepEqual(found, { code: 3, stdout: "", stderr: "" });
				const refused = await runInit(single, ["run"]);
				assert.equal(refused.code, 2);
				assert.match(refused.stderr, /^lastcall: Cannot do "run" in the single executable/);
			});
		});
	});
