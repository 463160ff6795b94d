import type { Contestant } from "../lib/contestant.ts";
import { installPeers } from "../peers/install.ts";
import { findInits } from "./inits.ts";
import { findLastcall } from "./lastcall.ts";
import { findNode } from "./node-alone.ts";
import { findSupervisors } from "./supervisors.ts";
import { findThreads } from "./threads.ts";

/** All that are installed here, in the order of the tables; what npm has is installed first. */
export async function findContestants(): Promise<readonly Contestant[]> {
	await installPeers();
	return [
		...findLastcall(),
		...(await findInits()),
		...findNode(),
		...(await findSupervisors()),
		...(await findThreads()),
	];
}
