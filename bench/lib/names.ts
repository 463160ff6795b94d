/** Names of the contestants that aims speak of; bench/contestants uses them. */
export const LASTCALL = "lastcall (tini mode)";
export const LASTCALL_SINGLE = "lastcall (single executable)";
export const LASTCALL_RUN = "lastcall (run mode)";
/** An app that starts its own init: `node --import lastcall/register`. As a wrapper it spawns the program. */
export const LASTCALL_REGISTER = "lastcall (in-process)";
export const TINI = "tini";
/** As it is: reaps nothing, passes nothing on. As a wrapper it spawns the program. */
export const BARE_NODE = "node alone";
/** What a careful author writes: spawns the program, passes signals on. */
export const HAND_WRITTEN = "node, by hand";
/** The same, with the log that lastcall has too. */
export const HAND_WRITTEN_PINO = "node, by hand, logs by pino";
export const WATT = "Watt";
/** The same with jobs (by hand: with all of it) in TypeScript, as Node.js runs it. */
export const inTypeScript = (name: string) => `${name}, .ts`;
const PREPARED = "prepared";

/** Whether it differs from another contestant in its start and in its memory alone. */
export const isVariant = (name: string) => name.includes(HAND_WRITTEN_PINO) || name.endsWith(PREPARED);
/** The same after `lastcall check`; by hand: with a NODE_COMPILE_CACHE that holds what it loads. */
export const prepared = (name: string) => `${name}, ${PREPARED}`;
