/** The signals that a configuration may name. */
import { constants } from "node:os";
import type { StopSignal } from "./config.ts";

/** The signals that `stopSignals` may name. */
export const STOP_SIGNALS = [
	"SIGHUP",
	"SIGINT",
	"SIGPWR",
	"SIGQUIT",
	"SIGTERM",
	"SIGUSR1",
	"SIGUSR2",
	"SIGWINCH",
] as const satisfies StopSignal[];

/** Those that `stopSignal` of a job may name. */
export const SIGNALS = Object.keys(constants.signals) as NodeJS.Signals[];
