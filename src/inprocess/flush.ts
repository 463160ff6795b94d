/**
 * Waits until what the app has printed has left, `ms` milliseconds at the most: `process.exit()` drops what a slow reader of a
 * pipe has not taken yet.
 */
export async function flushOutput(ms: number): Promise<void> {
	const streams = [process.stdout, process.stderr].filter(
		({ writableLength }) => writableLength > 0,
	);
	if (streams.length === 0) return;
	const { promise: timeout, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, ms);
	const flushed = streams.map(
		// An empty chunk is written behind all others; an error (the reader is gone) ends the wait, too.
		(stream) => new Promise<void>((done) => stream.write("", () => done())),
	);
	await Promise.race([Promise.all(flushed), timeout]);
	clearTimeout(timer);
}
