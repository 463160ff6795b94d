/** An app of Node.js that does nothing, with and without an init of its own. */
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import type { Launch } from "../lib/contestant.ts";
import { nodeBinary, nodeProgram } from "./node.ts";

const REGISTER = join(root, "dist/register.js");

export function bareApp(): Launch {
	return { command: nodeProgram("idle-app.mjs") };
}

export function registeredApp(): Launch {
	const [, ...app] = nodeProgram("idle-app.mjs");
	return { command: [nodeBinary(), "--import", REGISTER, ...app] };
}
