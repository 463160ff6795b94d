/** Whether this is a worker thread. Without node:worker_threads, which takes 3 ms to load. */
export function inWorkerThread(): boolean {
	// A worker cannot change the process's directory; the stub in its place says so.
	return (process.chdir as { disabled?: boolean }).disabled === true;
}
