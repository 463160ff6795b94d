/** The supervisor through random histories of a simulated world: what it promises holds in each of them. */
import { test } from "node:test";
import type { JobExit } from "../../src/job/job.ts";
import { fc, holds } from "../helpers/property.ts";
import { type Behaviour, type JobPlan, type SchedulePlan, SIGTERM, World, type WorldPlan } from "../helpers/world.ts";

/** Moments that meet: many things of one history happen at the same millisecond. */
const moment = fc.constantFrom(0, 1, 10, 100, 500, 1_000, 2_000, 5_000, 9_000);
const perhaps = fc.option(moment, { nil: undefined });
const never = fc.constant(undefined);

const error = { name: "Error", message: "made up" };
const end: fc.Arbitrary<JobExit> = fc.constantFrom<JobExit>(
	{ outcome: "finished" },
	{ outcome: "exited", code: 0 },
	{ outcome: "exited", code: 3 },
	{ outcome: "signaled", signal: "SIGKILL" },
	{ outcome: "failed", error },
);

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
	fails: fc.constantFrom(false, false, false, false, false, true),
	blocksMs: fc.constantFrom(0, 0, 0, 1, 11),
	readyMs: perhaps,
	endMs: fc.oneof(never, perhaps),
	end,
	leaderMs: fc.oneof(
		never,
		never,
		moment.map((ms) => ms + 1),
	),
	stopMs: perhaps,
	stopEnd: end,
	locateMs: moment,
	killMs: fc.oneof(moment, perhaps),
	goneMs: fc.oneof(moment, perhaps),
	hangMs: fc.oneof(never, perhaps),
});

const schedule: fc.Arbitrary<SchedulePlan> = fc.record({
	clock: fc.constantFrom("wall", "monotonic"),
	periodMs: fc.constantFrom(1_000, 5_000, 7_000, 60_000),
	overlap: fc.constantFrom("skip", "wait"),
});

/** What the configuration refuses is not tried: nothing depends on a scheduled job, which has no readiness. */
function accepted(jobs: readonly JobPlan[]): JobPlan[] {
	return jobs.map((job) => ({
		...job,
		dependsOn: job.dependsOn.filter((other) => !jobs[other]?.schedule),
		...(job.schedule && { readiness: "started", restart: job.restart === "no" ? "no" : "on-failure" }),
	}));
}

const job = (index: number): fc.Arbitrary<JobPlan> =>
	fc.record({
		kind: fc.constantFrom("thread", "process"),
		essential: fc.boolean(),
		dependsOn: fc.subarray(Array.from({ length: index }, (_, at) => at)),
		readiness: fc.constantFrom("started", "started", "notify", "exit"),
		startTimeoutMs: fc.constantFrom(100, 3_000, Number.POSITIVE_INFINITY),
		restart: fc.constantFrom("no", "on-failure", "always"),
		restartDelayMs: fc.constantFrom(1, 100, 1_000),
		maxRestarts: fc.constantFrom(undefined, 0, 1, 5),
		stopTimeoutMs: fc.constantFrom(undefined, 100, 2_000, 20_000),
		heartbeatMs: fc.constantFrom(undefined, undefined, 1_000, 4_000),
		exitsIfStuck: fc.boolean(),
		schedule: fc.oneof(never, never, schedule),
		runs: fc.array(behaviour, { minLength: 1, maxLength: 3 }),
	});

const world: fc.Arbitrary<WorldPlan> = fc
	.constantFrom(1, 1, 2, 2, 3, 4, 5)
	.chain((jobs) =>
		fc.record({
			stopTimeoutMs: fc.constantFrom(100, 1_000, 10_000, 30_000),
			drainMs: fc.constantFrom(0, 0, 40, 900),
			seed: fc.integer(),
			jobs: fc.tuple(...Array.from({ length: jobs }, (_, at) => job(at))).map(accepted),
		}),
	);

type Step = fc.AsyncCommand<object, World>;

function step(what: string, run: (world: World) => void): Step {
	return {
		check: () => true,
		async run(_, world) {
			world.note(`→ ${what}`);
			run(world);
			await world.settle();
		},
		toString: () => what,
	};
}

const anyJob = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4).map((index) => `job${index}`);

const steps = fc.commands(
	[
		fc
			.oneof(moment, fc.nat({ max: 20_000 }))
			.map((ms): Step => ({ check: () => true, run: (_, world) => world.advance(ms), toString: () => `${ms} ms` })),
		fc
			.record({ type: fc.constantFrom("stop", "start", "restart"), job: anyJob, wait: fc.boolean() })
			.map((command) => step(`${command.type} ${command.job}`, (world) => world.command(command))),
		moment.map((ms) => step(`frozen for ${ms} ms`, (world) => world.freeze(ms))),
		fc
			.constantFrom(-24, -4, -1, -0.001, 0.001, 1, 24)
			.map((hours) => step(`clock ${hours} h`, (world) => world.setClock(hours * 60 * 60 * 1_000))),
		anyJob.map((job) => step(`signal ${job}`, (world) => world.command({ type: "signal", job, signal: "SIGHUP" }))),
		fc.constant(step("stop", (world) => world.command({ type: "stop" }))),
		fc.constant(step("SIGHUP", ({ supervisor }) => supervisor.forward("SIGHUP"))),
		fc.constant(step("SIGTERM", ({ supervisor }) => supervisor.requestStop(SIGTERM))),
		fc.constant(step("error", ({ supervisor }) => supervisor.requestStop({ type: "error", error }))),
		fc.constant(step("second SIGINT", (world) => world.stopNow())),
	],
	{ maxCommands: 12 },
);

test("Supervisor keeps its promises in every history of a simulated world", async (t) => {
	const runs = { short: 5_000, ci: 100_000, full: 1_000_000 };
	await holds(t, fc.tuple(world, steps), runs, async ([plan, commands]) => {
		using world = new World(plan);
		try {
			await world.start();
			await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
			await world.finish();
		} catch (error) {
			throw new Error(`${error}\n${world.history.join("\n")}`);
		}
	});
});
