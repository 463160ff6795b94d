/** `npm run build:sea`: dist-sea/lastcall, one executable with Node.js inside, for images that have none. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/paths.ts";
import { buildSingle } from "./lib/single.ts";

const directory = join(root, "dist-sea");
rmSync(directory, { recursive: true, force: true });
await buildSingle(join(directory, "lastcall"));
