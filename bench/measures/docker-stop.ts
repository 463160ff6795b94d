import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { type Docker, withDocker } from "../lib/docker.ts";
import { type Circumstances, type Measure, turnsOf } from "../lib/measure.ts";
import { LASTCALL_RUN } from "../lib/names.ts";
import { atMost, type Result, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const OURS = `${LASTCALL_RUN}, examples/jobs`;
const TINI = "tini + node, the same by hand";
const NAIVE = "node alone, no handler";
/** As far as two series of the same thing lie apart on a quiet machine. */
const LIMIT = 1.05;

/** The hand-written image; its context needs the host's tini. */
async function buildByHand(docker: Docker): Promise<string> {
	const context = mkdtempSync(join(tmpdir(), "lastcall-bench-"));
	try {
		cpSync(join(root, "bench/docker"), context, { recursive: true });
		const tini = await must("sh", ["-c", "command -v tini"]);
		cpSync(tini, join(context, "tini"), { dereference: true });
		return await docker.build("by-hand", context);
	} finally {
		rmSync(context, { recursive: true });
	}
}

async function compare(docker: Docker, circumstances: Circumstances): Promise<Result> {
	const { quick, say } = circumstances;
	const turns = turnsOf(circumstances, 20);
	const byHand = await buildByHand(docker);
	const started = /Both jobs have started/;
	const players = [
		{ name: OURS, image: await docker.build("example", root), line: /(Thread \d+ \(\w+\) started[\s\S]*){2}/ },
		{ name: TINI, image: byHand, line: started },
	];

	const samples = new Samples();
	const codes = new Samples();
	await takeTurns(players, turns, async ({ name, image, line }, turn) => {
		if (name === OURS) say(`turn ${turn + 1} of ${turns}`);
		const { ms, code } = await docker.stop(image, line);
		samples.add(name, ms);
		codes.add(name, code);
	});
	if (!quick) {
		// Ten seconds, always: once is enough.
		const { ms, code } = await docker.stop(byHand, started, {
			flags: ["--entrypoint", "node"],
			args: ["main.mts", "naive"],
		});
		samples.add(NAIVE, ms);
		codes.add(NAIVE, code);
	}

	const p50 = (name: string) => median(samples.of(name));
	return {
		measure: "docker-stop",
		title: "docker stop, from the prompt to the prompt",
		method: `Two threads, one that blocks and one that does not, stopped by "docker stop": examples/jobs, and the same written by hand. ${turns} turns, one after the other; "${NAIVE}" once, since the engine's ten seconds always pass. Most of the time is the engine's own.`,
		chart: "p50, ms",
		rows: samples.names.map(
			(name): Row => ({
				contestant: name,
				values: {
					"p50, ms": p50(name),
					"p99, ms": percentile(samples.of(name), 99),
					"highest exit code": Math.max(...codes.of(name)),
				},
			}),
		),
		aims: [atMost(`${OURS}: no slower than ${TINI}, within 5 %`, p50(OURS) / p50(TINI), LIMIT)],
		absent: {},
	};
}

export const measure: Measure = {
	name: "docker-stop",
	run: (circumstances) => withDocker((docker) => compare(docker, circumstances)),
};
