/** Users without a name, without rights, and under seccomp profiles of the stricter kind. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { ALL_WAYS, holdsUp, MAIN, MAJORS, type Surroundings, startCommand } from "../helpers/surroundings.ts";

const EPERM = 1;
const ENOSYS = 38;

/** Docker's own profile, from which a stricter one begins, is in force in every other test. */
function profile(denied: readonly string[]): string {
	return JSON.stringify({
		defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [
			{ names: denied, action: "SCMP_ACT_ERRNO", errnoRet: EPERM },
			// As runtimes do that do not know it: whoever asks takes clone(2).
			{ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
		],
	});
}

const profiles = makeDirectory({
	"strict.json": profile(
		`prctl pidfd_open pidfd_getfd pidfd_send_signal process_vm_readv process_vm_writev ptrace kcmp
		io_uring_setup io_uring_enter io_uring_register perf_event_open bpf userfaultfd memfd_create memfd_secret
		timer_create inotify_init1 fanotify_init close_range rseq membarrier setpriority sched_setscheduler
		sched_setaffinity keyctl add_key request_key unshare setns mount umount2 pivot_root chroot mknod mknodat
		setuid setgid setreuid setregid setresuid setresgid setgroups chown fchown fchownat chmod fchmod
		fchmodat`.split(/\s+/),
	),
	"no-kill.json": profile(["kill", "tgkill", "tkill"]),
});
after(() => profiles[Symbol.dispose]());

/** Else the runtime itself, which applies it before it gives up its capabilities, would need what it denies. */
const NO_NEW_PRIVILEGES = "--security-opt=no-new-privileges";

const POOR: Readonly<Record<string, Surroundings>> = {
	"a user without an entry in /etc/passwd": { flags: ["--user=12345:54321"] },
	"no capabilities, no new privileges, nothing that can be written": {
		flags: [...["--user=12345:54321", "--read-only", "--ipc=none"], ...["--cap-drop=ALL", NO_NEW_PRIVILEGES]],
	},
	"root without capabilities": { flags: ["--user=0", "--cap-drop=ALL", NO_NEW_PRIVILEGES] },
	"a seccomp profile without prctl, clone3, timers and more": {
		flags: [`--security-opt=seccomp=${profiles.path}/strict.json`, NO_NEW_PRIVILEGES],
	},
};

for (const major of MAJORS)
	for (const [what, surroundings] of Object.entries(POOR))
		for (const way of ALL_WAYS)
			test(`${what}: ${way} works, reaps and stops on Node.js ${major}`, async (t) => {
				await holdsUp(t, what, way, surroundings, major);
			});

test("where seccomp denies kill(2) threads stop, processes are named, and it ends by itself with 124", async () => {
	const command = [...MAIN, "run", "configs/noting.json"];
	const parts = ["thread", "process", "logged"];
	const flags = [
		`--security-opt=seccomp=${profiles.path}/no-kill.json`,
		NO_NEW_PRIVILEGES,
		"--env=LASTCALL_STOP_TIMEOUT=3s",
	];
	await using walled = await startCommand(command, { flags }, { parts });
	await walled.untilRunning();
	const { code, ms } = await walled.stop(30);
	const output = await walled.output();
	assert.equal(code, 124, output);
	assert.ok(ms < 10_000, `took ${ms} ms`);
	const { report } = findEvent(parseEvents(output.split("\n")), "stop.finished");
	assert.deepEqual(Object.fromEntries(report.jobs.map(({ job, exit }) => [job, exit.outcome])), {
		thread: "finished",
		process: "stuck",
		logged: "stuck",
	});
	walled.assertCleanShutdown(["thread"]);
});
