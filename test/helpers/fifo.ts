import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Fifo extends Disposable {
	/** Nobody reads it unless the test does. Non-blocking. */
	readonly reader: number;
	readonly writer: number;
	/** The reader is gone: from here on a write fails with EPIPE, and SIGPIPE. */
	hangUp(): void;
}

/** A pipe with both ends in our hands. */
export function openFifo(): Fifo {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	const path = join(directory, "fifo");
	execFileSync("mkfifo", [path]);
	const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
	const writer = openSync(path, "w");
	rmSync(directory, { recursive: true });
	let isRead = true;
	const hangUp = () => {
		if (isRead) closeSync(reader);
		isRead = false;
	};
	return {
		reader,
		writer,
		hangUp,
		[Symbol.dispose]() {
			hangUp();
			closeSync(writer);
		},
	};
}
