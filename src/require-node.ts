/** dist/require-node.js: refuses to be loaded on a Node.js that is too old. The first import of each file of the public API. */
import { complainOfNode } from "./base/node-version.ts";

const complaint = complainOfNode();
if (complaint !== undefined) throw new Error(complaint);
