/** A consumer as a job thread. */
import type { JobContext } from "lastcall";
import { consume } from "./consume.ts";

export default async function consumer({ name, flag, ready }: JobContext) {
	await consume({ name, signal: flag.signal, onReady: ready });
}
