/**
 * The beginning of dist/register.js: scripts/lib/bundle.ts puts register.ts behind it, which runs if there is no
 * complaint. On a Node.js that is too old the app runs as if lastcall/register were not there.
 */
import { complainOfNode, inWorkerThread, printRaw } from "./base/versions.ts";

const complaint = complainOfNode();
// Only once: threads and forked processes inherit `--import`.
if (complaint !== undefined && !inWorkerThread() && !process.send) printRaw(complaint);
