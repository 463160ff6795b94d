/**
 * A pod as the kubelet runs it, by the calls that it makes to the container runtime. Like the kubelet it mounts the ConfigMaps and
 * the file for the termination message, probes, and ends the pod: preStop, SIGTERM, what is left of the grace period, SIGKILL.
 *
 * Not like the kubelet: the network is the node's, no container is started again, and a field that no test needs is passed over.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt } from "../../src/base/errors.ts";
import type { Containerd } from "./containerd.ts";
import type { ContainerConfig, ExecResult, PodSandboxConfig } from "./cri.ts";
import { ask } from "./kubelet.ts";
import type { ConfigMap, ContainerSpec, PodSpec } from "./manifest.ts";
import { PATIENCE_MS, until } from "./until.ts";

/** The kubelet gives a container at least so many seconds, even if its preStop hook has taken all of the grace period. */
const MIN_GRACE_S = 2;
/** The kubelet keeps so much of a termination message, and of the end of the log in its place. */
const MESSAGE_BYTES = 4096;
const LOG_BYTES = 2048;

/** How a container has ended: what `kubectl describe pod` shows. Times are in milliseconds since 1970. */
export interface Ending {
	readonly code: number;
	readonly reason: string;
	/** The termination message. */
	readonly message: string;
	/** When the kubelet began: with the preStop hook, if there is one. */
	readonly begunAt: number;
	/** When the kubelet told the runtime to stop the container: it sends SIGTERM. */
	readonly askedAt: number;
	readonly endedAt: number;
}

export interface LogLine {
	/** Milliseconds since 1970. */
	readonly time: number;
	readonly text: string;
}

interface Running {
	readonly id: string;
	readonly spec: ContainerSpec;
	readonly messageFile: string;
	readonly logFile: string;
}

export interface PodOptions {
	readonly name: string;
	readonly spec: PodSpec;
	readonly configMaps?: readonly ConfigMap[];
}

export class KubeletPod implements AsyncDisposable {
	readonly name: string;
	readonly spec: PodSpec;
	readonly #containerd: Containerd;
	readonly #directory: string;
	readonly #config: PodSandboxConfig;
	#sandbox = "";
	/** In the order of their start. */
	readonly #containers = new Map<string, Running>();

	/** Use with `await using`: at the end of the block what still runs is killed. */
	static async run(containerd: Containerd, options: PodOptions): Promise<KubeletPod> {
		const pod = new KubeletPod(containerd, options);
		try {
			await pod.#start(options.configMaps ?? []);
			return pod;
		} catch (error) {
			await pod[Symbol.asyncDispose]();
			throw error;
		}
	}

	private constructor(containerd: Containerd, { name, spec }: PodOptions) {
		const uid = randomUUID();
		this.name = name;
		this.spec = spec;
		this.#containerd = containerd;
		this.#directory = join(containerd.directory, uid);
		this.#config = {
			metadata: { name, uid, namespace: "default" },
			logDirectory: join(this.#directory, "log"),
			linux: { cgroupParent: containerd.cgroup, securityContext: { namespaceOptions: this.#namespaces } },
		};
	}

	async #start(configMaps: readonly ConfigMap[]): Promise<void> {
		for (const { name, configMap } of this.spec.volumes ?? []) {
			const files = configMaps.find(({ metadata }) => metadata.name === configMap?.name)?.data;
			if (files === undefined) throw new Error(`Found no ConfigMap for the volume ${name}`);
			mkdirSync(join(this.#directory, "volumes", name), { recursive: true });
			for (const [file, text] of Object.entries(files))
				writeFileSync(join(this.#directory, "volumes", name, file), text);
		}
		const { id } = await this.#containerd.cri.call("RunPodSandbox", { config: this.#config });
		this.#sandbox = id;
		for (const spec of [...(this.spec.initContainers ?? []), ...this.spec.containers]) await this.#startContainer(spec);
	}

	async #startContainer(spec: ContainerSpec): Promise<void> {
		const messageFile = join(this.#directory, "messages", spec.name);
		mkdirSync(join(this.#directory, "messages"), { recursive: true });
		writeFileSync(messageFile, "");
		// The container's user writes there.
		chmodSync(messageFile, 0o666);
		mkdirSync(join(this.#config.logDirectory, spec.name), { recursive: true });
		const logPath = join(spec.name, "0.log");
		const { cri } = this.#containerd;
		const { id } = await cri.call("CreateContainer", {
			podSandboxId: this.#sandbox,
			config: this.#containerConfig(spec, messageFile, logPath),
			sandboxConfig: this.#config,
		});
		const logFile = join(this.#config.logDirectory, logPath);
		this.#containers.set(spec.name, { id, spec, messageFile, logFile });
		await cri.call("StartContainer", { id });
	}

	#containerConfig(spec: ContainerSpec, messageFile: string, logPath: string): ContainerConfig {
		const { securityContext: own = {}, resources } = spec;
		const { runAsUser, runAsGroup } = this.spec.securityContext ?? {};
		const mounts = spec.volumeMounts.map(({ name, mountPath, readOnly = false }) => ({
			containerPath: mountPath,
			hostPath: join(this.#directory, "volumes", name),
			readonly: readOnly,
		}));
		return {
			metadata: { name: spec.name },
			image: { image: spec.image },
			command: spec.command ?? [],
			args: spec.args ?? [],
			envs: [
				// Of a Service, as in every cluster: lastcall knows Kubernetes by it.
				{ key: "KUBERNETES_SERVICE_HOST", value: "127.0.0.1" },
				...spec.env.map(({ name, value, valueFrom }) => ({
					key: name,
					value: value ?? (valueFrom?.fieldRef.fieldPath === "metadata.name" ? this.name : ""),
				})),
			],
			mounts: [...mounts, { containerPath: spec.terminationMessagePath, hostPath: messageFile, readonly: false }],
			logPath,
			linux: {
				resources: { memoryLimitInBytes: bytesOf(resources?.limits?.memory) },
				securityContext: {
					capabilities: { dropCapabilities: own.capabilities?.drop ?? [] },
					namespaceOptions: this.#namespaces,
					...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
					...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
					readonlyRootfs: own.readOnlyRootFilesystem ?? false,
					noNewPrivs: own.allowPrivilegeEscalation === false,
					seccomp: { profileType: "RuntimeDefault" },
				},
			},
		};
	}

	get #namespaces() {
		return { network: "NODE", pid: this.spec.shareProcessNamespace ? "POD" : "CONTAINER" } as const;
	}

	/** Runs a command in a container, as an `exec` probe, a preStop hook and `kubectl exec` do. */
	exec(container: string, command: readonly string[], seconds = 60): Promise<ExecResult> {
		const { id } = this.#find(container);
		const request = { id, cmd: command, timeout: seconds };
		return this.#containerd.cri.call("ExecSync", request, (seconds + 30) * 1_000);
	}

	/** What a container has printed so far: the file that the runtime writes, and `kubectl logs` reads. */
	log(container: string): LogLine[] {
		const { logFile } = this.#find(container);
		const lines: LogLine[] = [];
		let begin = "";
		for (const line of (attempt(() => readFileSync(logFile, "utf8")) ?? "").split("\n")) {
			const [, time, part, text] = /^(\S+) \S+ ([FP]) (.*)$/.exec(line) ?? [];
			if (time === undefined || text === undefined) continue;
			if (part === "F") lines.push({ time: Date.parse(time), text: begin + text });
			begin = part === "P" ? begin + text : "";
		}
		return lines;
	}

	lines(container: string): string[] {
		return this.log(container).map(({ text }) => text);
	}

	async waitForLine(container: string, pattern: RegExp): Promise<void> {
		const look = async () => {
			if (this.lines(container).some((line) => pattern.test(line))) return true;
			if (await this.isRunning(container)) return false;
			throw new Error(`The container ${container} ended without ${pattern}:\n${this.lines(container).join("\n")}`);
		};
		await until(look, `${container} prints ${pattern}`, 2 * PATIENCE_MS);
	}

	async isRunning(container: string): Promise<boolean> {
		const { id } = this.#find(container);
		const { status } = await this.#containerd.cri.call("ContainerStatus", { id });
		return status.state === "CONTAINER_RUNNING";
	}

	/** Until the startup probe of the first container succeeds. */
	async untilStarted(): Promise<void> {
		const [{ name, startupProbe }] = this.spec.containers;
		const isStarted = async () => {
			if ((await ask(startupProbe)) === 200) return true;
			if (await this.isRunning(name)) return false;
			throw new Error(`The container ${name} has ended:\n${this.lines(name).join("\n")}`);
		};
		await until(isStarted, `the pod ${this.name} has started`, 2 * PATIENCE_MS);
	}

	/**
	 * Asks the readiness probe of the first container, at its period. The pod is ready after one success, and not ready after
	 * `failureThreshold` failures in a row. Use with `await using`: it ends with the block.
	 */
	watchReadiness(onChange: (isReady: boolean) => void): AsyncDisposable {
		const [{ readinessProbe }] = this.spec.containers;
		const end = new AbortController();
		const { signal } = end;
		const watching = (async () => {
			let isReady = false;
			let failures = 0;
			while (!signal.aborted) {
				failures = (await ask(readinessProbe)) === 200 ? 0 : failures + 1;
				const wasReady: boolean = isReady;
				if (failures === 0) isReady = true;
				else if (failures >= (readinessProbe.failureThreshold ?? 3)) isReady = false;
				if (isReady !== wasReady) onChange(isReady);
				await sleep(readinessProbe.periodSeconds * 1_000, undefined, { signal }).catch(() => {});
			}
		})();
		return {
			async [Symbol.asyncDispose]() {
				end.abort();
				await watching;
			},
		};
	}

	/**
	 * Ends the pod. The containers get SIGTERM at the same time, and the sidecars when all of them have ended, the last one
	 * first. preStop hooks begin at once. All of this happens within one grace period.
	 */
	async terminate(seconds = this.spec.terminationGracePeriodSeconds): Promise<Readonly<Record<string, Ending>>> {
		const { containers, initContainers = [] } = this.spec;
		const stops: Promise<readonly [string, Ending]>[] = [];
		const stop = async ({ name }: ContainerSpec, turn?: Promise<unknown>) =>
			[name, await this.stop(name, seconds, turn)] as const;
		for (const container of containers) stops.push(stop(container));
		for (const sidecar of initContainers.toReversed()) stops.push(stop(sidecar, Promise.allSettled(stops)));
		return Object.fromEntries(await Promise.all(stops));
	}

	/**
	 * Stops one container.
	 *
	 * @param turn When it gets SIGTERM, if its grace period has not ended before.
	 */
	async stop(container: string, seconds: number, turn: Promise<unknown> = Promise.resolve()): Promise<Ending> {
		const { id, spec } = this.#find(container);
		const { cri } = this.#containerd;
		const begunAt = Date.now();
		// The kubelet counts in whole seconds, and rounds what has passed down.
		const left = () => seconds - Math.floor((Date.now() - begunAt) / 1_000);
		// A hook that fails, or takes too long, is an event of the pod and nothing more.
		if (spec.lifecycle) await this.exec(container, spec.lifecycle.preStop.exec.command, seconds).catch(() => {});
		const timeout = new AbortController();
		await Promise.race([turn, sleep(left() * 1_000, undefined, { signal: timeout.signal }).catch(() => {})]);
		timeout.abort();
		const askedAt = Date.now();
		const grace = Math.max(left(), MIN_GRACE_S);
		await cri.call("StopContainer", { id, timeout: grace }, (grace + 60) * 1_000);
		const { status } = await cri.call("ContainerStatus", { id });
		if (status.state !== "CONTAINER_EXITED")
			throw new Error(`The container ${container} is ${status.state} after its stop`);
		return {
			code: status.exitCode,
			reason: status.reason,
			message: this.#message(container, status.exitCode),
			begunAt,
			askedAt,
			endedAt: Number(BigInt(status.finishedAt) / 1_000_000n),
		};
	}

	#message(container: string, code: number): string {
		const { spec, messageFile } = this.#find(container);
		const written = readFileSync(messageFile).subarray(0, MESSAGE_BYTES).toString();
		if (written !== "" || code === 0 || spec.terminationMessagePolicy !== "FallbackToLogsOnError") return written;
		return Buffer.from(this.lines(container).join("\n")).subarray(-LOG_BYTES).toString();
	}

	#find(container: string): Running {
		const found = this.#containers.get(container);
		if (found === undefined) throw new Error(`Found no container ${container} in the pod ${this.name}`);
		return found;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#sandbox === "") return;
		const { cri } = this.#containerd;
		// Kills what runs in it, and removes all of it.
		await cri.call("StopPodSandbox", { id: this.#sandbox });
		await cri.call("RemovePodSandbox", { id: this.#sandbox });
	}
}

/** Of a quantity as manifests have it, such as `512Mi`; 0 for none. */
function bytesOf(quantity: string | undefined): number {
	if (quantity === undefined) return 0;
	const [, count, unit = ""] = /^(\d+)(Ki|Mi|Gi)?$/.exec(quantity) ?? [];
	if (count === undefined) throw new Error(`Cannot read the quantity ${quantity}: expected one such as 512Mi`);
	return Number(count) * 1_024 ** ["", "Ki", "Mi", "Gi"].indexOf(unit);
}
