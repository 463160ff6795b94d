import { AppInit } from "./app-init.ts";

/**
 * One init for the process, though the package may be loaded more than once: `lastcall/register` and `lastcall` are
 * bundles of their own, and an app may carry a third copy in its bundle.
 */
const KEY = Symbol.for("lastcall.appInit.1");

export function appInit(): AppInit {
	const shared = globalThis as { [KEY]?: AppInit };
	shared[KEY] ??= new AppInit();
	return shared[KEY];
}
