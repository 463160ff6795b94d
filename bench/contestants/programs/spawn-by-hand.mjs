// An init as a careful author writes it: spawns a program, passes every signal on, ends as it does.
import { spawn } from "node:child_process";
import { constants } from "node:os";

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: "inherit" });
// Not ours to pass on, or nobody's to listen to.
const own = ["SIGCHLD", "SIGKILL", "SIGSTOP", "SIGPROF", "SIGPIPE"];
for (const signal of Object.keys(constants.signals))
	if (!own.includes(signal)) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
