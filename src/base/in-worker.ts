/** Whether this is a worker thread. Asks without node:worker_threads, which takes 3 ms to load. */
export function inWorkerThread(): boolean {
	// A worker cannot change the directory of the process: its process.chdir is a stub with this property.
	return (process.chdir as { disabled?: boolean }).disabled === true;
}
