/** A Deployment of examples/kubernetes/service.yaml on one node: its pods, and the balancer of its Service before them. */
import { Balancer } from "./balancer.ts";
import type { Containerd } from "./containerd.ts";
import { type Ending, KubeletPod, type LogLine } from "./kubelet-pod.ts";
import { forNode, type NodeChanges } from "./manifest.ts";
import { freePort } from "./ports.ts";
import { until } from "./until.ts";

/** One pod's end. Times are in milliseconds since 1970. */
export interface Replaced {
	readonly ending: Ending;
	/** When it was taken out of the Service. */
	readonly removedAt: number;
	/** When clients were connected to it. */
	readonly connections: readonly number[];
	readonly log: readonly LogLine[];
}

interface Deployed {
	readonly pod: KubeletPod;
	readonly port: number;
	readonly readiness: AsyncDisposable;
	isReady: boolean;
	removedAt: number;
}

/** Use with `await using`: its pods are gone at the end of the block. */
export class Deployment implements AsyncDisposable {
	readonly balancer: Balancer;
	readonly #containerd: Containerd;
	readonly #changes: Omit<NodeChanges, "ports">;
	/** The oldest first. */
	readonly #pods: Deployed[] = [];
	readonly #ending: Promise<Replaced>[] = [];
	#started = 0;

	static async start(
		containerd: Containerd,
		replicas: number,
		changes: Omit<NodeChanges, "ports">,
	): Promise<Deployment> {
		const deployment = new Deployment(containerd, changes, await Balancer.start());
		try {
			while (deployment.#pods.length < replicas) await deployment.#add();
		} catch (error) {
			await deployment[Symbol.asyncDispose]();
			throw error;
		}
		return deployment;
	}

	private constructor(containerd: Containerd, changes: Omit<NodeChanges, "ports">, balancer: Balancer) {
		this.#containerd = containerd;
		this.#changes = changes;
		this.balancer = balancer;
	}

	/** Starts a pod, and waits until it gets requests. */
	async #add(): Promise<void> {
		const ports = { http: await freePort(), probes: await freePort() };
		const name = `service-${++this.#started}`;
		const pod = await KubeletPod.run(this.#containerd, { name, ...forNode({ ...this.#changes, ports }) });
		const deployed: Deployed = {
			pod,
			port: ports.http,
			isReady: false,
			removedAt: 0,
			readiness: pod.watchReadiness((isReady) => {
				deployed.isReady = isReady;
				if (isReady) this.balancer.add(ports.http);
				else this.balancer.remove(ports.http);
				if (!isReady) deployed.removedAt = Date.now();
			}),
		};
		this.#pods.push(deployed);
		await pod.untilStarted();
		await until(() => deployed.isReady, `the pod ${name} is ready`);
	}

	/** As a rolling update with `maxSurge: 1` and `maxUnavailable: 0` does: the end of the old pod is not waited for. */
	async replaceOldest(): Promise<void> {
		await this.#add();
		const oldest = this.#pods.shift();
		if (oldest === undefined) return;
		const ending = this.#end(oldest);
		// replaced() says it.
		ending.catch(() => {});
		this.#ending.push(ending);
	}

	/** What has become of the pods that were replaced, when the last of them has ended. */
	replaced(): Promise<Replaced[]> {
		return Promise.all(this.#ending);
	}

	async #end(deployed: Deployed): Promise<Replaced> {
		const { pod, port, readiness } = deployed;
		try {
			const { service: ending } = await pod.terminate();
			if (ending === undefined) throw new Error("Found no container called service");
			// The runtime knows a moment before the next look of the probe.
			await until(() => !deployed.isReady, `the pod ${pod.name} is not ready`);
			const { removedAt } = deployed;
			return { ending, removedAt, connections: this.balancer.connectionsTo(port), log: pod.log("service") };
		} finally {
			await readiness[Symbol.asyncDispose]();
			await pod[Symbol.asyncDispose]();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const { pod, readiness } of this.#pods) {
			await readiness[Symbol.asyncDispose]();
			await pod[Symbol.asyncDispose]();
		}
		await Promise.allSettled(this.#ending);
		await this.balancer[Symbol.asyncDispose]();
	}
}
