/** dist/require-node.js: refuses to load on a Node.js that is too old. Each file of the public API imports it first. */
import { complainOfNode } from "./base/versions.ts";

const complaint = complainOfNode();
if (complaint !== undefined) throw new Error(complaint);
