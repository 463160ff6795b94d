// Spawns a program and waits for it: no more than that.
import { spawn } from "node:child_process";

const [program, ...args] = process.argv.slice(2);
spawn(program, args, { stdio: "inherit" }).on("exit", (code, signal) => process.exit(signal ? 1 : code));
