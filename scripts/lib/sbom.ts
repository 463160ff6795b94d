/** Software bills of materials in the format of CycloneDX 1.5: what is in the package, and what is in the single executable. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "./command.ts";
import { root } from "./paths.ts";

interface Component {
	readonly "bom-ref": string;
	readonly type: string;
	readonly name: string;
	readonly version: string;
	readonly properties?: readonly { readonly name: string; readonly value: string }[];
	readonly [field: string]: unknown;
}

interface Dependency {
	readonly ref: string;
	readonly dependsOn: readonly string[];
}

export interface Sbom {
	readonly bomFormat: "CycloneDX";
	readonly specVersion: string;
	readonly metadata: { readonly component: Component; readonly [field: string]: unknown };
	readonly components: readonly Component[];
	readonly dependencies: readonly Dependency[];
	readonly [field: string]: unknown;
}

const DEVELOPMENT = "cdx:npm:package:development";
const BUNDLED = { name: "cdx:npm:package:bundled", value: "true" };

/**
 * What an install of the package brings, and what is inside dist/: npm's own list from the lock file, without what only development
 * needs. It says nothing of when and where it was made: the same sources give the same text.
 *
 * @param tarball The package.
 */
export async function sbomOfPackage(tarball: string): Promise<Sbom> {
	const sbom = await npmSbom();
	const bundled = bundledPackages();
	const components = sbom.components
		.filter((component) => bundled.has(component["bom-ref"]) || !isForDevelopment(component))
		.map((component) => (bundled.has(component["bom-ref"]) ? { ...component, properties: [BUNDLED] } : component));
	const missing = [...bundled].filter((ref) => !components.some((component) => component["bom-ref"] === ref));
	if (missing.length > 0) throw new Error(`dist/ has packages that npm does not know: ${missing.join(", ")}`);
	const { component } = sbom.metadata;
	return {
		...sbom,
		metadata: { ...sbom.metadata, component: { ...component, hashes: hashesOf(tarball) } },
		components,
		dependencies: dependenciesAmong(sbom.dependencies, [component, ...components]),
	};
}

/** What is in the single executable: this Node.js with all that it is made of, and the program, which needs no package. */
export async function sbomOfExecutable(file: string): Promise<Sbom> {
	const sbom = await npmSbom();
	const { component } = sbom.metadata;
	const { node: version, modules: _abi, napi: _napi, ...parts } = process.versions;
	const node = { ...generic("node", version), type: "platform" };
	const libraries = Object.entries(parts).map(([name, version = ""]) => generic(name, version));
	return {
		...sbom,
		metadata: { ...sbom.metadata, component: { ...component, type: "application", hashes: hashesOf(file) } },
		components: [node, ...libraries],
		dependencies: [
			{ ref: component["bom-ref"], dependsOn: [node["bom-ref"]] },
			{ ref: node["bom-ref"], dependsOn: libraries.map((library) => library["bom-ref"]) },
			...libraries.map((library) => ({ ref: library["bom-ref"], dependsOn: [] })),
		],
	};
}

async function npmSbom(): Promise<Sbom> {
	const text = await must("npm", ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"], { cwd: root });
	const { serialNumber: _random, ...sbom } = JSON.parse(text);
	const { timestamp: _now, component, ...metadata } = sbom.metadata;
	// npm calls it by its folder.
	const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	return { ...sbom, metadata: { ...metadata, component: { ...component, name } } };
}

/** As `name@version`. dist/LICENSES begins each licence with `name version (licence)`. */
function bundledPackages(): Set<string> {
	const licenses = readFileSync(join(root, "dist/LICENSES"), "utf8");
	return new Set([...licenses.matchAll(/^(\S+) (\d\S*) \(.+\)$/gm)].map(([, name, version]) => `${name}@${version}`));
}

function isForDevelopment({ properties = [] }: Component): boolean {
	return properties.some(({ name }) => name === DEVELOPMENT);
}

function dependenciesAmong(dependencies: readonly Dependency[], components: readonly Component[]): Dependency[] {
	const refs = new Set(components.map((component) => component["bom-ref"]));
	return dependencies
		.filter(({ ref }) => refs.has(ref))
		.map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
}

function generic(name: string, version: string): Component {
	return { "bom-ref": `${name}@${version}`, type: "library", name, version, purl: `pkg:generic/${name}@${version}` };
}

function hashesOf(file: string) {
	return [{ alg: "SHA-512", content: createHash("sha512").update(readFileSync(file)).digest("hex") }];
}
