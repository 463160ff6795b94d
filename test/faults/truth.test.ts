/** "Joined" is true: what the report says of random services is compared with what is seen from outside. Needs no engine. */
import { test } from "node:test";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { SEED, seededRandom } from "../helpers/random.ts";
import { stopRandomService } from "../helpers/truth.ts";

const STOPS = FULL ? 10_000 : 1_000;
/** Each waits most of its time. */
const AT_A_TIME = 8;

test(`${STOPS.toLocaleString("en")} random services are stopped: nothing that has joined is alive, the exit code is the report's`, async (t) => {
	t.diagnostic(`LASTCALL_FAULTS_SEED=${SEED}`);
	const random = seededRandom();
	let stopped = 0;
	let failed = false;
	async function stopOneByOne(): Promise<void> {
		try {
			while (stopped < STOPS && !failed) {
				stopped++;
				await stopRandomService(random);
			}
		} catch (error) {
			failed = true;
			throw error;
		}
	}
	await Promise.all(Array.from({ length: AT_A_TIME }, stopOneByOne));
	keepFigures(t, "truth of the stop", "random services", { stops: stopped, "said to have joined and alive": 0 });
});
