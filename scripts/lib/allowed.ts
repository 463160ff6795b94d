/** In CI nothing may be left out. */
export function inCi(): boolean {
	return process.env.CI === "true";
}

/** Packages are never installed on a user's machine without being asked to. */
export function mayInstall(): boolean {
	return inCi() || process.env.LASTCALL_ENGINE === "install";
}

export function mayStartEngine(): boolean {
	return mayInstall() || process.env.LASTCALL_ENGINE === "start";
}
