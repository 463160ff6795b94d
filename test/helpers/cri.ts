/** The CRI (container runtime interface): the calls that a kubelet makes to a container runtime, over its Unix socket. */
import { join } from "node:path";
import { type Client, credentials, type GrpcObject, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** The interface as cri.proto has it, with the fields that have no default. */
interface Calls {
	RunPodSandbox: [request: { config: PodSandboxConfig }, response: { id: string }];
	StopPodSandbox: [request: { id: string }, response: object];
	RemovePodSandbox: [request: { id: string }, response: object];
	CreateContainer: [
		request: { podSandboxId: string; config: ContainerConfig; sandboxConfig: PodSandboxConfig },
		response: { id: string },
	];
	StartContainer: [request: { id: string }, response: object];
	/** `timeout`: seconds between the stop signal and SIGKILL. */
	StopContainer: [request: { id: string; timeout: number }, response: object];
	ContainerStatus: [request: { id: string }, response: { status: ContainerStatus }];
	/** `timeout`: seconds; then the command is killed, and the call fails. */
	ExecSync: [request: { id: string; cmd: readonly string[]; timeout: number }, response: ExecResult];
	ImageStatus: [request: { image: { image: string } }, response: { image: object | null }];
}

type NamespaceMode = "POD" | "CONTAINER" | "NODE";
interface NamespaceOption {
	readonly network: NamespaceMode;
	readonly pid: NamespaceMode;
}

export interface PodSandboxConfig {
	readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string };
	readonly logDirectory: string;
	readonly linux: {
		readonly cgroupParent: string;
		readonly securityContext: { readonly namespaceOptions: NamespaceOption };
	};
}

export interface ContainerConfig {
	readonly metadata: { readonly name: string };
	readonly image: { readonly image: string };
	readonly command: readonly string[];
	readonly args: readonly string[];
	readonly envs: readonly { readonly key: string; readonly value: string }[];
	readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readonly: boolean }[];
	/** Below the pod's `logDirectory`. */
	readonly logPath: string;
	readonly linux: {
		readonly resources: { readonly memoryLimitInBytes: number };
		readonly securityContext: {
			readonly capabilities: { readonly dropCapabilities: readonly string[] };
			readonly namespaceOptions: NamespaceOption;
			readonly runAsUser?: { readonly value: number };
			readonly runAsGroup?: { readonly value: number };
			readonly readonlyRootfs: boolean;
			readonly noNewPrivs: boolean;
			readonly seccomp: { readonly profileType: "RuntimeDefault" | "Unconfined" };
		};
	};
}

export interface ContainerStatus {
	readonly state: "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED" | "CONTAINER_UNKNOWN";
	/** In nanoseconds since 1970, as text: a number has not so many digits. */
	readonly finishedAt: string;
	readonly exitCode: number;
	/** `Completed`, `Error`, `OOMKilled`. */
	readonly reason: string;
}

export interface ExecResult {
	readonly stdout: Buffer;
	readonly stderr: Buffer;
	readonly exitCode: number;
}

type Methods = Client & Record<string, (...args: unknown[]) => void>;
type Service = new (address: string, credentials: unknown) => Methods;

const { runtime } = loadPackageDefinition(
	loadSync(join(import.meta.dirname, "cri.proto"), { longs: String, enums: String, defaults: true }),
);
const { RuntimeService, ImageService } = (runtime as GrpcObject).v1 as unknown as Record<string, Service>;

/** Use with `using`: the connection is closed at the end of the block. */
export class Cri implements Disposable {
	readonly #runtime: Methods;
	readonly #images: Methods;

	constructor(socket: string) {
		if (!RuntimeService || !ImageService) throw new Error("Found no services in cri.proto");
		const address = `unix://${socket}`;
		this.#runtime = new RuntimeService(address, credentials.createInsecure());
		this.#images = new ImageService(address, credentials.createInsecure());
	}

	/** Rejects when the runtime refuses, and after `ms` milliseconds. */
	call<Call extends keyof Calls>(call: Call, request: Calls[Call][0], ms = 60_000): Promise<Calls[Call][1]> {
		const service = call === "ImageStatus" ? this.#images : this.#runtime;
		return new Promise((resolve, reject) => {
			const deadline = Date.now() + ms;
			const settle = (error: Error | null, response: Calls[Call][1]) => {
				if (error === null) resolve(response);
				else reject(new Error(`Cannot ${call}: ${error.message}\n${JSON.stringify(request)}`));
			};
			service[call]?.(request, { deadline }, settle);
		});
	}

	[Symbol.dispose](): void {
		this.#runtime.close();
		this.#images.close();
	}
}
