// Fills NODE_COMPILE_CACHE with what these files load: fill-compile-cache.mjs FILE... Their flag is raised.
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { pathToFileURL } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
	const flag = new Int32Array(new SharedArrayBuffer(4)).fill(1).buffer;
	for (const file of process.argv.slice(2))
		await once(new Worker(new URL(import.meta.url), { workerData: { file, flag } }), "exit");
} else {
	await import(pathToFileURL(workerData.file).href);
	flushCompileCache();
	process.exit(0);
}
