// A job thread of lastcall: waits until its flag is raised.
import { stamp } from "./stamp.mjs";

export default async function idle({ flag }) {
	stamp();
	await flag.raised();
}
