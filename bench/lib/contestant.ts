/**
 * What is measured side by side: inits, supervisors, plain Node.js, and ways to write such a thing by hand.
 *
 * bench/contestants/all.ts exports `findContestants(): Promise<readonly Contestant[]>`: those that are installed here, after it has
 * installed what npm has. bench/render/table.ts exports `renderTable(result: Result): string`, Markdown; bench/render/page.ts
 * exports `writePage(run: Run, directory: string): Promise<void>`, which writes benchmarks.md and benchmarks/*.svg into the directory (docs).
 */

/** How PID 1 is started. */
export interface Launch {
	readonly command: readonly string[];
	/** In addition to the benchmark's own environment. */
	readonly env?: Readonly<Record<string, string>>;
	/** @default a new empty directory */
	readonly cwd?: string;
}

/** A service that does nothing but wait: all that is left to see is what its init costs. */
export interface IdleService {
	/** Threads in PID 1 that wait for their flag. */
	readonly threads: number;
	/** Processes that wait for SIGTERM (a C program: not their own memory and speed are measured). */
	readonly processes: number;
}

export interface Contestant {
	/** As tables and charts show it, for instance "lastcall (tini mode)". Unique. */
	readonly name: string;
	/** As `tini --version` says it; shown under the tables. */
	readonly version: string;
	/** Members of a service at the most: with more it takes minutes, or all memory. @default no limit */
	readonly most?: number;
	/** Whether it stays when the program that it wraps has ended. @default false */
	readonly stays?: boolean;
	/** Runs one program in the foreground; absent: it cannot. */
	wrap?(program: readonly string[]): Launch;
	/**
	 * Runs a service; undefined: not one of that shape (supervisord has no threads). May write into `directory`, which is empty and
	 * goes afterwards. Every member of the service writes a line to the FIFO named by the variable STAMP once it waits.
	 */
	serve?(service: IdleService, directory: string): Launch | undefined;
}
