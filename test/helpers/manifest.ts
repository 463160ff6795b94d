/** examples/kubernetes, and what podman needs in the place of a cluster. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { Config } from "../../src/index.ts";
import type { KubernetesObject } from "./podman.ts";

const FILE = join(import.meta.dirname, "../../examples/kubernetes/queue.yaml");
const CONFIG = "lastcall.config.yaml";

/** The part of the manifest that tests read or change. */
export interface Manifest {
	readonly configMap: ConfigMap;
	readonly statefulSet: StatefulSet;
	readonly pod: PodSpec;
	readonly container: ContainerSpec;
	/** What the ConfigMap holds. */
	readonly config: Config;
}
interface ConfigMap extends KubernetesObject {
	readonly data: { [CONFIG]: string };
}
interface StatefulSet extends KubernetesObject {
	readonly spec: { readonly template: { readonly spec: PodSpec } };
}
export interface PodSpec {
	readonly terminationGracePeriodSeconds: number;
	readonly containers: readonly [ContainerSpec];
	readonly volumes: readonly object[];
}
export interface ContainerSpec {
	readonly name: string;
	readonly env: readonly { readonly name: string; readonly value?: string }[];
	readonly startupProbe: Probe;
	readonly readinessProbe: Probe;
	readonly livenessProbe: Probe;
	readonly terminationMessagePath: string;
	readonly ports: readonly { readonly containerPort: number }[];
	readonly volumeMounts: readonly object[];
}
export interface Probe {
	readonly httpGet: { readonly path: string; readonly port: number };
}

export function readManifest(): Manifest {
	const documents = parseAllDocuments(readFileSync(FILE, "utf8")).map((document): KubernetesObject => document.toJS());
	const find = <Kind extends KubernetesObject>(kind: string) => {
		const found = documents.find((one) => one.kind === kind);
		if (found === undefined) throw new Error(`Found no ${kind} in ${FILE}`);
		return found as Kind;
	};
	const configMap = find<ConfigMap>("ConfigMap");
	const statefulSet = find<StatefulSet>("StatefulSet");
	const pod = statefulSet.spec.template.spec;
	const [container] = pod.containers;
	const config = parse(configMap.data[CONFIG]);
	return { configMap, statefulSet, pod, container, config };
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
 * What podman plays of the manifest: the ConfigMap, and the first pod that the StatefulSet makes of its template. Changed is:
 *
 * - the image is there already, under podman's own name, and the Redis is the test's
 * - the network is the node's, so that no bridge is needed, and no port has to be mapped
 * - podman has no file for the termination message: a volume takes the kubelet's part
 * - podman knows one probe of three, and runs it with curl in the container: the test takes the kubelet's part
 */
export function forPodman(changes: Changes): KubernetesObject[] {
	const { configMap, statefulSet, pod, container, config } = readManifest();
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
		volumes: [...pod.volumes, { name: mount.name, hostPath: file }],
	};
	const text = stringify({ ...config, http: { ...config.http, port }, jobs: { ...config.jobs, ...jobs } });
	const changed: ConfigMap = { ...configMap, data: { [CONFIG]: text } };
	const name = `${statefulSet.metadata.name}-0`;
	return [changed, { apiVersion: "v1", kind: "Pod", metadata: { name }, spec }];
}

function valueFrom(env: Changes["env"], name: string) {
	const value = env[name];
	return value === undefined ? {} : { value };
}
