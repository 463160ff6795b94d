import { peersAreInstalled } from "../../bench/peers/install.ts";

/** For the options of a test that needs the packages of bench/peers: says why it is left out. In CI it never is. */
export function needsPeers(): { skip: string | false } {
	return {
		skip:
			!peersAreInstalled() &&
			process.env.CI !== "true" &&
			"not installed: the packages of the benchmark (npm run bench installs them)",
	};
}
