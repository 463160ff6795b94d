/** The schemas that Kubernetes publishes, as the package kubernetes-models has them: as functions, and as types. */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Deployment, StatefulSet } from "kubernetes-models/apps/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { run } from "../../scripts/lib/command.ts";
import { makeDirectory } from "./directory.ts";
import type { KubernetesObject } from "./podman.ts";

const MODULES = join(import.meta.dirname, "../../node_modules");
const MODELS = { ConfigMap, Deployment, Service, StatefulSet };

/** What is wrong with an object, in the words of the schema and of the compiler; empty if nothing is. */
export async function problemsOf(object: KubernetesObject): Promise<string> {
	return [wrongValues(object), await unknownFields(object)].join("\n").trim();
}

function wrongValues(object: KubernetesObject): string {
	const Model = (MODELS as Record<string, new (data: never) => { validate(): void }>)[object.kind];
	if (Model === undefined) return `${object.kind}: expected one of ${Object.keys(MODELS).join(", ")}`;
	try {
		new Model(object as never).validate();
		return "";
	} catch (error) {
		return (error as Error).message;
	}
}

/** The schemas allow fields that they do not know, and `kubectl apply` refuses them. So does TypeScript in a literal. */
async function unknownFields(object: KubernetesObject): Promise<string> {
	const { apiVersion, kind } = object;
	const type = `import("kubernetes-models/${apiVersion}").I${kind}`;
	using directory = makeDirectory({ "object.mts": `export default ${JSON.stringify(object)} satisfies ${type};\n` });
	symlinkSync(MODULES, join(directory.path, "node_modules"));
	writeFileSync(
		join(directory.path, "tsconfig.json"),
		JSON.stringify({
			compilerOptions: {
				noEmit: true,
				strict: true,
				skipLibCheck: true,
				types: [],
				module: "nodenext",
				target: "es2024",
			},
		}),
	);
	const { stdout } = await run(join(MODULES, ".bin/tsc"), ["--project", "."], { cwd: directory.path });
	return stdout;
}
