/**
 * `node --import lastcall/register app.js`: makes this very process a correct PID 1. Importing this file is all there is to it.
 * On a Node.js that is too old the app runs as if it were not there.
 */
import { complainOfNode, printRaw } from "./node-version.ts";
import { inWorkerThread } from "./os/thread.ts";

const complaint = complainOfNode();
if (complaint === undefined) {
	// Not by an import, which would run before the question. The bundle has it in this same file.
	const { register } =
		require("./inprocess/register.ts") as typeof import("./inprocess/register.ts");
	register();
} else if (!inWorkerThread() && !process.send) {
	// Once: threads and forked processes inherit `--import`.
	printRaw(complaint);
}
