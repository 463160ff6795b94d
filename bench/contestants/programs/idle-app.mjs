// An app that is up, and does nothing.
import { stamp } from "./stamp.mjs";

setInterval(() => {}, 0x7fffffff);
stamp();
