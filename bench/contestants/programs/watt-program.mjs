// An application of Watt that spawns the program of the variable PROGRAM, a JSON array.
import { spawn } from "node:child_process";

export const hasServer = false;

const [program, ...args] = JSON.parse(process.env.PROGRAM);
const child = spawn(program, args, { stdio: "inherit" });

export function close() {
	child.kill();
}
