/** Preloaded into the processes of `node --test`: keeps their stripped TypeScript. Unlike NODE_COMPILE_CACHE it is not handed down to what they start. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "../../node_modules/.cache/lastcall-test"));
