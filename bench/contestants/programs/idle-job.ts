// idle-job.mjs in TypeScript.
import { stamp } from "./stamp.ts";

interface Context {
	readonly flag: { raised(ms?: number): Promise<boolean> };
}

export default async function idle({ flag }: Context): Promise<void> {
	stamp();
	await flag.raised();
}
