/** The texts of the C library for errors and signals, as every other init prints them. */
import { constants } from "node:os";
import { attempt } from "../../base/errors.ts";
import { foreignFunctions } from "../ffi/ffi.ts";

/** `No such file or directory`. */
export function describeError(errno: number): string {
	const byNode = () => process.getBuiltinModule("node:util").getSystemErrorMessage(-errno);
	return ask("strerror", errno) ?? attempt(byNode) ?? `Error ${errno}`;
}

/** `Terminated`. */
export function describeSignal(number: number): string {
	return ask("strsignal", number) ?? signalName(number);
}

/** `SIGTERM`; `SIGRTMIN+3`. */
export function signalName(number: number): string {
	const known = Object.entries(constants.signals).find(([, value]) => value === number);
	if (known) return known[0];
	return number >= 34 ? `SIGRTMIN+${number - 34}` : `signal ${number}`;
}

/** The number of a signal, by any of its names or by what {@link signalName} makes of it. -1 if there is none. */
export function signalNumber(name: string): number {
	const others = () => Array.from({ length: 65 }, (_, number) => signalName(number));
	return constants.signals[name as NodeJS.Signals] ?? others().indexOf(name);
}

function ask(symbol: "strerror" | "strsignal", number: number): string | undefined {
	const ffi = foreignFunctions();
	return ffi?.readString(ffi.bind(symbol, "pointer", ["int"])(number) as bigint);
}
