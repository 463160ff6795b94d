// An application of Watt without a server: waits until it is closed.
import { stamp } from "./stamp.mjs";

export const hasServer = false;

const hold = setInterval(() => {}, 0x7fffffff);

export function close() {
	clearInterval(hold);
}

stamp();
