/** What is true now, in Prometheus's text format. */
import { loadPackage } from "../packages.ts";
import { JOB_STATES, type State } from "./state.ts";

export interface Metrics {
	readonly contentType: string;
	render(): Promise<string>;
}

/** Everything is read from the state when it is asked for: nothing is counted twice, and nothing while nobody asks. */
export function createMetrics(state: State): Metrics {
	const { Counter, Gauge, Registry } = loadPackage("prom-client");
	const registry = new Registry();
	const registers = [registry];

	new Gauge({
		name: "lastcall_build_info",
		help: "Always 1; the labels tell what runs",
		labelNames: ["version", "node"],
		registers,
		collect() {
			const { version } = state.status;
			this.set({ version, node: process.version }, 1);
		},
	});
	new Gauge({
		name: "lastcall_ready",
		help: "1 if every essential job is ready and no stop was requested",
		registers,
		collect() {
			this.set(state.status.ready ? 1 : 0);
		},
	});
	new Gauge({
		name: "lastcall_jobs",
		help: "Jobs by state",
		labelNames: ["state"],
		registers,
		collect() {
			const { jobs } = state.status;
			for (const name of JOB_STATES)
				this.set(
					{ state: name },
					jobs.filter((job) => job.state === name).length,
				);
		},
	});
	new Gauge({
		name: "lastcall_job_ready",
		help: "1 if the job is ready, or has ended well where that is its readiness",
		labelNames: ["job"],
		registers,
		collect() {
			for (const { name, state: job } of state.status.jobs)
				this.set({ job: name }, job === "ready" || job === "completed" ? 1 : 0);
		},
	});
	new Counter({
		name: "lastcall_job_restarts_total",
		help: "Restarts of a job after it had ended",
		labelNames: ["job"],
		registers,
		collect() {
			this.reset();
			for (const { name, restarts } of state.status.jobs)
				this.inc({ job: name }, restarts);
		},
	});
	new Counter({
		name: "lastcall_job_exits_total",
		help: "Ends of runs by job and outcome",
		labelNames: ["job", "outcome"],
		registers,
		collect() {
			this.reset();
			for (const [job, outcomes] of state.totals.exits)
				for (const [outcome, count] of outcomes)
					this.inc({ job, outcome }, count);
		},
	});
	new Counter({
		name: "lastcall_job_stops_total",
		help: "Jobs that were asked to stop, by outcome",
		labelNames: ["outcome"],
		registers,
		collect() {
			this.reset();
			for (const [outcome, { count }] of state.totals.stops)
				this.inc({ outcome }, count);
		},
	});
	new Counter({
		name: "lastcall_job_stop_seconds_total",
		help: "Time between the request to stop and the exit, by outcome",
		labelNames: ["outcome"],
		registers,
		collect() {
			this.reset();
			for (const [outcome, { ms }] of state.totals.stops)
				this.inc({ outcome }, ms / 1_000);
		},
	});
	new Counter({
		name: "lastcall_orphans_reaped_total",
		help: "Orphans that the init has collected",
		registers,
		collect() {
			this.reset();
			this.inc(state.status.orphansReaped);
		},
	});
	return {
		contentType: registry.contentType,
		render: () => registry.metrics(),
	};
}
