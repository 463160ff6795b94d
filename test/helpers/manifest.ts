/** examples/kubernetes, and what podman, or a node without a network of its own, needs in the place of a cluster. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { Config } from "../../src/index.ts";
import type { KubernetesObject } from "./podman.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples/kubernetes");
const CONFIG = "lastcall.config.yaml";

/** The part of the manifest that tests read or change. */
export interface Manifest {
	/** Every object of the file. */
	readonly objects: readonly KubernetesObject[];
	readonly configMap: ConfigMap;
	/** A StatefulSet or a Deployment. */
	readonly workload: Workload;
	readonly pod: PodSpec;
	readonly container: ContainerSpec;
	/** What the ConfigMap holds. */
	readonly config: Config;
}
export interface ConfigMap extends KubernetesObject {
	readonly data: { readonly [file: string]: string };
}
interface Workload extends KubernetesObject {
	readonly spec: {
		readonly selector: { readonly matchLabels: object };
		readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
	};
}
export interface PodSpec {
	readonly terminationGracePeriodSeconds: number;
	readonly shareProcessNamespace?: boolean;
	readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number };
	/** Sidecars: `restartPolicy` is `Always`. */
	readonly initContainers?: readonly ContainerSpec[];
	readonly containers: readonly [ContainerSpec, ...ContainerSpec[]];
	readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}
export interface ContainerSpec {
	readonly name: string;
	readonly image: string;
	readonly restartPolicy?: "Always";
	readonly command?: readonly string[];
	readonly args?: readonly string[];
	readonly env: readonly {
		readonly name: string;
		readonly value?: string;
		readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
	}[];
	readonly startupProbe: Probe;
	readonly readinessProbe: Probe;
	readonly livenessProbe: Probe;
	readonly lifecycle?: { readonly preStop: ExecAction };
	readonly terminationMessagePath: string;
	readonly terminationMessagePolicy: "File" | "FallbackToLogsOnError";
	readonly ports: readonly { readonly containerPort: number }[];
	readonly resources?: { readonly limits?: { readonly memory?: string } };
	readonly securityContext?: {
		readonly readOnlyRootFilesystem?: boolean;
		readonly allowPrivilegeEscalation?: boolean;
		readonly capabilities?: { readonly drop?: readonly string[] };
	};
	readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
export interface Probe {
	readonly httpGet: { readonly path: string; readonly port: number };
	readonly periodSeconds: number;
	readonly failureThreshold?: number;
}
export interface ExecAction {
	readonly exec: { readonly command: readonly string[] };
}

export type Example = "queue" | "service";

export function readManifest(example: Example): Manifest {
	const file = join(EXAMPLES, `${example}.yaml`);
	const objects = parseAllDocuments(readFileSync(file, "utf8")).map((document): KubernetesObject => document.toJS());
	const find = <Kind extends KubernetesObject>(...kinds: string[]) => {
		const found = objects.find(({ kind }) => kinds.includes(kind));
		if (found === undefined) throw new Error(`Found no ${kinds.join(" or ")} in ${file}`);
		return found as Kind;
	};
	const configMap = find<ConfigMap>("ConfigMap");
	const workload = find<Workload>("StatefulSet", "Deployment");
	const pod = workload.spec.template.spec;
	const [container] = pod.containers;
	const config = parse(configMap.data[CONFIG] ?? "");
	return { objects, configMap, workload, pod, container, config };
}

/** The configuration of examples/service itself. */
export function readServiceConfig(): Config {
	return parse(readFileSync(join(EXAMPLES, "../service", CONFIG), "utf8"));
}

export interface Changes {
	/** The image, by its name in podman. */
	readonly image: string;
	/** For probes: the network is the node's, and there 9000 may be taken. */
	readonly port: number;
	/** Values of the container's environment. */
	readonly env: Readonly<Record<string, string>>;
	/** The file that takes the termination message. */
	readonly message: string;
	/** Jobs beside the manifest's own. @default {} */
	readonly jobs?: Config["jobs"];
	/** Both sides of the stop, in seconds. @default the manifest's */
	readonly grace?: number;
}

/**
 * What podman plays of queue.yaml: the ConfigMap, and the first pod that the StatefulSet makes of its template. Changed is:
 *
 * - the image is there already, under podman's own name, and the Redis is the test's
 * - the network is the node's, so that no bridge is needed, and no port has to be mapped
 * - podman has no file for the termination message: a volume takes the kubelet's part
 * - podman knows one probe of three, and runs it with curl in the container: the test takes the kubelet's part
 */
export function forPodman(changes: Changes): KubernetesObject[] {
	const { configMap, workload, pod, container, config } = readManifest("queue");
	const { image, port, message, jobs = {} } = changes;
	const { grace = pod.terminationGracePeriodSeconds } = changes;
	const env: Changes["env"] = {
		...changes.env,
		...(changes.grace !== undefined && { LASTCALL_STOP_TIMEOUT: `${grace}s` }),
	};
	const mount = { name: "termination-message", mountPath: container.terminationMessagePath };
	const file = { path: message, type: "File" };
	const { startupProbe, readinessProbe, livenessProbe, ports, ...rest } = container;
	const played = {
		...rest,
		image,
		imagePullPolicy: "Never",
		env: container.env.map((one) => ({ ...one, ...valueFrom(env, one.name) })),
		volumeMounts: [...container.volumeMounts, mount],
	};
	const spec = {
		...pod,
		terminationGracePeriodSeconds: grace,
		hostNetwork: true,
		containers: [played],
		volumes: [...(pod.volumes ?? []), { name: mount.name, hostPath: file }],
	};
	const text = stringify({ ...config, http: { ...config.http, port }, jobs: { ...config.jobs, ...jobs } });
	const changed: ConfigMap = { ...configMap, data: { [CONFIG]: text } };
	const name = `${workload.metadata.name}-0`;
	return [changed, { apiVersion: "v1", kind: "Pod", metadata: { name }, spec }];
}

function valueFrom(env: Changes["env"], name: string) {
	const value = env[name];
	return value === undefined ? {} : { value };
}

export interface NodeChanges {
	readonly image: string;
	/** For requests and for probes: the network is the node's, and all pods share it. */
	readonly ports: { readonly http: number; readonly probes: number };
	/** Further files of the ConfigMap, by name: /config has them. @default none */
	readonly files?: ConfigMap["data"];
	/** Changes the configuration. @default as it is */
	readonly configure?: (config: Config) => Config;
	/** Changes the pod, as a patch of Kustomize would. @default as it is */
	readonly patch?: (pod: PodSpec) => PodSpec;
}

/** What a node without a network for pods runs of service.yaml: a pod of the Deployment, and its ConfigMap. */
export function forNode({ image, ports, files = {}, configure = same, patch = same }: NodeChanges) {
	const { configMap, pod, container, config } = readManifest("service");
	const { web } = config.jobs;
	if (web === undefined || web.schedule !== undefined) throw new Error("Found no job web in service.yaml");
	const http = { ...config.http, port: ports.probes };
	const moved = {
		...web,
		env: { PORT: String(ports.http) },
		readiness: { http: `http://127.0.0.1:${ports.http}/` },
	} as const;
	const text = stringify(configure({ ...config, http, jobs: { ...config.jobs, web: moved } }));
	const move = (probe: Probe) => ({ ...probe, httpGet: { ...probe.httpGet, port: ports.probes } });
	const probed: ContainerSpec = {
		...container,
		image,
		startupProbe: move(container.startupProbe),
		readinessProbe: move(container.readinessProbe),
		livenessProbe: move(container.livenessProbe),
	};
	return {
		spec: patch({ ...pod, containers: [probed] }),
		configMaps: [{ ...configMap, data: { ...files, [CONFIG]: text } }] satisfies ConfigMap[],
	};
}

function same<Value>(value: Value): Value {
	return value;
}
