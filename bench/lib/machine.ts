import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { attempt } from "../../src/base/errors.ts";

/** What a reader needs to judge the figures. */
export function describeMachine(): Readonly<Record<string, string>> {
	return {
		processor: processorName(),
		"processors to run on": String(availableParallelism()),
		memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
		kernel: `Linux ${release().replace(/-.*/, "")} ${process.arch}`,
		"Node.js": process.versions.node,
	};
}

/** Virtual machines often hide it. */
function processorName(): string {
	const [first] = cpus();
	const text = attempt(() => readFileSync("/proc/cpuinfo", "utf8")) ?? "";
	return first?.model.trim() || /^model name\s*:\s*(.+)$/m.exec(text)?.[1] || "not known";
}
