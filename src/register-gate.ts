/**
 * The beginning of dist/register.js: scripts/lib/bundle.ts puts register.ts behind it, to run if there is no complaint. On a Node.js
 * that is too old the app runs as if lastcall/register were not there.
 */
import { complainOfNode, printRaw } from "./node-version.ts";
import { inWorkerThread } from "./os/thread.ts";

const complaint = complainOfNode();
// Once: threads and forked processes inherit `--import`.
if (complaint !== undefined && !inWorkerThread() && !process.send)
	printRaw(complaint);
