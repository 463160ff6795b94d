import { prettyFactory } from "pino-pretty";

/** Makes a JSON log line readable for people. What is not one passes as it is. */
export function createPrettifier(colorize: boolean): (line: string) => string {
	return prettyFactory({
		colorize,
		// The message says it all; the fields are for machines.
		hideObject: true,
		messageFormat: ({ event, job, msg }) =>
			// Events name their job in the message; what a job logs itself does not.
			event === undefined && job !== undefined ? `[${job}] ${msg}` : `${msg}`,
		translateTime: "SYS:HH:MM:ss.l",
	});
}
