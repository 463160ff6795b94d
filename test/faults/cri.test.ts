/**
 * examples/kubernetes/service.yaml and its variants as pods, by the calls that a kubelet makes: what the platform sees of all three
 * ways in, and what becomes of requests while pods are replaced.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Config } from "../../src/index.ts";
import { Clients } from "../helpers/balancer.ts";
import { Containerd, needsContainerd } from "../helpers/containerd.ts";
import { Deployment, type Replaced } from "../helpers/deployment.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { serviceImage } from "../helpers/images.ts";
import { ask, watch } from "../helpers/kubelet.ts";
import { KubeletPod } from "../helpers/kubelet-pod.ts";
import { type ContainerSpec, forNode, type NodeChanges, readManifest } from "../helpers/manifest.ts";
import { freePort } from "../helpers/ports.ts";
import { sum } from "../helpers/stops.ts";
import { drawTermination, readPicture, withoutFigures, writePicture } from "../helpers/termination.ts";
import { until } from "../helpers/until.ts";

const TOPIC = "no work is lost";
const { pod: manifest, container } = readManifest("service");
const GRACE = manifest.terminationGracePeriodSeconds;

const containerdIsHere = needsContainerd();
let containerd: Containerd;
let image: string;
before(async () => {
	if (containerdIsHere.skip) return;
	image = await serviceImage();
	containerd = await Containerd.start(image);
});
after(() => containerd?.[Symbol.asyncDispose]());

let pods = 0;

async function runPod(changes: Omit<NodeChanges, "image" | "ports"> = {}): Promise<KubeletPod> {
	const ports = { http: await freePort(), probes: await freePort() };
	const node = forNode({ image, ports, ...changes });
	return await KubeletPod.run(containerd, { name: `pod-${++pods}`, ...node });
}

/** A configuration without the drain delay. */
function atOnce(config: Config): Config {
	return { ...config, drainDelay: "0s" };
}

/** A container beside the manifest's, with another program, whose server listens on a port of its own. */
async function beside(changes: Partial<ContainerSpec>): Promise<ContainerSpec & { readonly port: number }> {
	const port = await freePort();
	const env = [...container.env, { name: "PORT", value: `${port}` }];
	return { ...container, image, ...changes, env, port };
}

const WEB = ["node", "server.ts"];
const isAnswered = async (port: number) => (await ask({ httpGet: { path: "/", port } })) === 200;
const untilAnswered = (port: number) => until(() => isAnswered(port), `port ${port} answers`);

test(
	"run, the drop-in init and lastcall/register stop in time with 0; probes see it, and a preStop hook comes before SIGTERM",
	containerdIsHere,
	async (t) => {
		const program = await beside({ name: "program", args: ["--", ...WEB] });
		const app = await beside({ name: "app", command: ["node", "--import", "lastcall/register", "app.ts"], args: [] });
		const hook = ["sh", "-c", "sleep 1; echo preStop >/proc/1/fd/1"];
		await using pod = await runPod({
			// Long enough for a probe to see it.
			configure: (config) => ({ ...config, drainDelay: "1s" }),
			patch: (spec) => {
				const [service] = spec.containers;
				const hooked = { ...service, lifecycle: { preStop: { exec: { command: hook } } } };
				return { ...spec, containers: [hooked, program, app] };
			},
		});
		await using readiness = watch(pod.spec.containers[0].readinessProbe);
		await using liveness = watch(pod.spec.containers[0].livenessProbe);
		await pod.untilStarted();
		await untilAnswered(program.port);
		await untilAnswered(app.port);
		const probe = await pod.exec("service", ["lastcall", "status"]);
		assert.equal(probe.exitCode, 0, probe.stdout.toString());
		const endings = await pod.terminate();
		for (const [name, { code, reason, message, endedAt, begunAt }] of Object.entries(endings)) {
			assert.deepEqual([code, reason, message], [0, "Completed", ""], `${name}:\n${pod.lines(name).join("\n")}`);
			assert.ok(endedAt - begunAt < GRACE * 1_000, name);
		}
		assert.ok(endings.service && endings.program);
		assert.ok(endings.service.askedAt >= endings.program.askedAt + 1_000, "the hook is a container's own");
		const lines = pod.lines("service");
		const placeOf = (text: string) => lines.findIndex((line) => line.includes(text));
		assert.ok(placeOf("preStop") > 0 && placeOf("preStop") < placeOf("signal.received"), lines.join("\n"));
		assert.match(readiness.seen.join(" "), /^(0 )?(503 )?200 503( 0)?$/);
		assert.match(liveness.seen.join(" "), /^(0 )?200( 0)?$/);
		t.diagnostic(`readiness: ${readiness.seen.join(" ")}; liveness: ${liveness.seen.join(" ")}`);
	},
);

test("a sidecar still works for the last moment of a job, and gets SIGTERM after it", containerdIsHere, async () => {
	const sidecar = await beside({ name: "sidecar", restartPolicy: "Always", args: ["run", "/config/sidecar.json"] });
	const script = `process.on("SIGTERM", async () => {
		const { status } = await fetch("http://127.0.0.1:${sidecar.port}");
		console.log("the sidecar answered", status);
		process.exit();
	});
	setInterval(() => {}, 1_000);
	console.log("last: running");`;
	await using pod = await runPod({
		files: { "sidecar.json": JSON.stringify({ jobs: { proxy: { command: WEB, cwd: "/app" } } }) },
		configure: ({ jobs, ...rest }) => atOnce({ ...rest, jobs: { ...jobs, last: { command: ["node", "-e", script] } } }),
		patch: (spec) => ({ ...spec, initContainers: [sidecar] }),
	});
	await pod.untilStarted();
	await untilAnswered(sidecar.port);
	await pod.waitForLine("service", /^last: running/);
	// Both share /dev/shm, the only folder for their sockets.
	for (const [name, job] of Object.entries({ service: "web", sidecar: "proxy" })) {
		const { stdout } = await pod.exec(name, ["lastcall", "status"]);
		assert.match(stdout.toString(), new RegExp(`^${job} +ready`, "m"), `${name} answers for itself`);
	}
	const { service, sidecar: proxy } = await pod.terminate();
	assert.ok(service && proxy);
	assert.deepEqual([service.code, proxy.code], [0, 0]);
	assert.ok(pod.lines("service").includes("the sidecar answered 200"), pod.lines("service").join("\n"));
	assert.ok(proxy.askedAt >= service.endedAt, "the sidecar has outlived the container");
});

test(
	"with shareProcessNamespace lastcall is not PID 1: it reaps its orphans, and at its end no other container gets a signal",
	containerdIsHere,
	async () => {
		const program = await beside({ name: "program", args: ["--", ...WEB] });
		const app = await beside({ name: "app", command: ["node", "--import", "lastcall/register", "app.ts"], args: [] });
		const leaving = { command: ["sh", "-c", "sh -c 'sleep 1000 & echo orphan $!'; exec sleep 1000"] } as const;
		await using pod = await runPod({
			configure: ({ jobs, ...rest }) => atOnce({ ...rest, jobs: { ...jobs, leaving } }),
			patch: (spec) => {
				const [service] = spec.containers;
				const env = [...service.env, { name: "LASTCALL_SOCKET", value: "/dev/shm/service.sock" }];
				return { ...spec, shareProcessNamespace: true, containers: [{ ...service, env }, program, app] };
			},
		});
		await pod.untilStarted();
		await untilAnswered(program.port);
		await untilAnswered(app.port);
		const { role, pid } = findEvent(parseEvents(pod.lines("service")), "init.started");
		assert.equal(role, "subreaper");
		assert.notEqual(pid, 1);
		const { exitCode } = await pod.exec("service", ["lastcall", "status"]);
		assert.equal(exitCode, 0, "the socket is where LASTCALL_SOCKET says");
		await pod.waitForLine("service", /^orphan \d+/);
		const [, orphan] = /^orphan (\d+)$/m.exec(pod.lines("service").join("\n")) ?? [];
		const { stdout } = await pod.exec("service", ["cat", `/proc/${orphan}/status`]);
		assert.match(
			stdout.toString(),
			new RegExp(`^PPid:\\s${pid}$`, "m"),
			"the orphan is lastcall's, and not the pause container's",
		);
		await pod.exec("service", ["sh", "-c", `kill ${orphan}`]);
		// Nor a zombie.
		const isGone = async () => (await pod.exec("service", ["test", "-e", `/proc/${orphan}`])).exitCode === 1;
		await until(isGone, "the orphan is reaped");

		const { code } = await pod.stop("service", GRACE);
		assert.equal(code, 0, pod.lines("service").join("\n"));
		for (const { name, port } of [program, app]) {
			assert.ok(await pod.isRunning(name), name);
			assert.ok(await isAnswered(port), name);
		}
		const endings = await pod.terminate();
		const codes = Object.entries(endings).map(([name, ending]) => [name, ending.code]);
		assert.deepEqual(codes.sort(), Object.entries({ app: 0, program: 0, service: 0 }));
	},
);

test(
	"a job or a program that does not stop is killed by lastcall before the kubelet kills it, and the termination message names it",
	containerdIsHere,
	async (t) => {
		// A second of it is kept for the late job: on a busy machine half a second is little.
		const grace = 10;
		const deaf = ["sh", "-c", "trap '' TERM; echo deaf: running; while :; do sleep 1; done"] as const;
		const program = await beside({ name: "program", args: ["--stop-timeout", "9s", "--", ...deaf] });
		await using pod = await runPod({
			configure: ({ jobs, ...rest }) => atOnce({ ...rest, jobs: { ...jobs, deaf: { command: deaf } } }),
			patch: (spec) => {
				const [service] = spec.containers;
				const env = [{ name: "LASTCALL_STOP_TIMEOUT", value: `${grace}s` }];
				return { ...spec, terminationGracePeriodSeconds: grace, containers: [{ ...service, env }, program] };
			},
		});
		await pod.untilStarted();
		for (const name of ["service", "program"]) await pod.waitForLine(name, /^deaf: running/);
		const endings = await pod.terminate();
		assert.ok(endings.service && endings.program);
		// SIGKILL by the kubelet would be 137.
		assert.deepEqual([endings.service.code, endings.service.reason], [124, "Error"]);
		assert.match(
			endings.service.message,
			/^Exit code 124, stopped in 9\.\d s of 10\.0 s: SIGTERM\ndeaf: killed after \d\.\d s: .*sh -c/,
		);
		// The drop-in init writes no such file: the kubelet takes the end of the log.
		assert.equal(endings.program.code, 137);
		assert.match(endings.program.message, /Killed after 9\.\d s: \d+ \(sh -c trap/);
		for (const { askedAt, endedAt } of Object.values(endings)) assert.ok(endedAt - askedAt < grace * 1_000);
		t.diagnostic(`${endings.service.message}${endings.program.message}`);
	},
);

/** How long a pod gets connections after its SIGTERM, and how many of them. */
function figuresOf(replaced: readonly Replaced[], clients: Clients) {
	const late = replaced.map(({ ending, connections }) => connections.filter((at) => at >= ending.askedAt).length);
	const delays = replaced.map(({ ending, removedAt }) => removedAt - ending.askedAt);
	return {
		"pods replaced": replaced.length,
		"requests answered": clients.answered,
		"requests lost": clients.failures.length,
		"exit codes": [...new Set(replaced.map(({ ending }) => ending.code))].join(", "),
		"connections after SIGTERM": sum(late),
		"longest time until a pod is out of its Service, ms": Math.max(...delays),
		"longest stop, ms": Math.max(...replaced.map(({ ending }) => ending.endedAt - ending.askedAt)),
	};
}

async function replaceUnderLoad(count: number, changes: Omit<NodeChanges, "image" | "ports"> = {}) {
	await using deployment = await Deployment.start(containerd, 2, { image, ...changes });
	await using clients = new Clients(deployment.balancer.port);
	await until(() => clients.answered > 0, "the service answers");
	for (let done = 0; done < count; done++) await deployment.replaceOldest();
	const replaced = await deployment.replaced();
	await clients.end();
	return { replaced, clients };
}

test(
	"20 pods of a Deployment are replaced under load: no request is lost, and each exit code is 0",
	containerdIsHere,
	async (t) => {
		const { replaced, clients } = await replaceUnderLoad(20);
		const figures = figuresOf(replaced, clients);
		keepFigures(t, TOPIC, "Kubernetes: the pods of a Deployment are replaced under load", figures);
		assert.deepEqual(clients.failures, []);
		for (const { ending, log } of replaced)
			assert.deepEqual([ending.code, ending.message], [0, ""], log.map(({ text }) => text).join("\n"));
		assert.ok(figures["connections after SIGTERM"] > 0, "the drain delay was for nothing");
		assert.ok(figures["longest stop, ms"] < GRACE * 1_000);

		const [first] = replaced;
		assert.ok(first);
		const picture = drawTermination(first, GRACE);
		t.diagnostic(`\n${picture}`);
		if (FULL) writePicture(picture);
		assert.equal(withoutFigures(readPicture()), withoutFigures(picture), "docs/kubernetes.md shows another stop");
	},
);

test(
	"without the drain delay requests are lost: the balancer still sends some to a pod that has stopped",
	containerdIsHere,
	async (t) => {
		const { replaced, clients } = await replaceUnderLoad(3, { configure: atOnce });
		keepFigures(t, TOPIC, "Kubernetes: the same without a drain delay", figuresOf(replaced, clients));
		assert.ok(clients.failures.length > 0);
		assert.deepEqual(new Set(replaced.map(({ ending }) => ending.code)), new Set([0]));
	},
);
