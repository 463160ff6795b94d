import type { Contestant } from "../lib/contestant.ts";
import { installDebianPeers, installPeers } from "../peers/install.ts";
import { findInits } from "./inits.ts";
import { findLastcall } from "./lastcall.ts";
import { findNode } from "./node-alone.ts";
import { findSupervisors } from "./supervisors.ts";
import { findThreads } from "./threads.ts";
import { findWatt } from "./watt.ts";

/** All that are installed here, in the order of the tables; what npm and Debian have is installed first. */
export async function findContestants(): Promise<readonly Contestant[]> {
	await installPeers();
	await installDebianPeers();
	return [
		...findLastcall(),
		...(await findInits()),
		...findNode(),
		...(await findSupervisors()),
		findWatt(),
		...(await findThreads()),
	];
}
