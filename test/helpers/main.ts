/** The program as users get it: built. `npm test` builds it before the tests. */
import { join } from "node:path";

export const MAIN = join(import.meta.dirname, "../../dist/main.cjs");
