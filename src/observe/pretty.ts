import { loadPackage } from "../packages.ts";

interface Line {
	readonly event?: string;
	readonly job?: string;
	readonly msg?: string;
	readonly exit?: { readonly error?: { readonly stack?: string } };
}

/** Makes a JSON log line readable for people. What is not one passes as it is. */
export function createPrettifier(colorize: boolean): (line: string) => string {
	const { prettyFactory } = loadPackage("pino-pretty");
	return prettyFactory({
		colorize,
		// The message says it all; the fields are for machines.
		hideObject: true,
		messageFormat: (line) => format(line as Line),
		translateTime: "SYS:HH:MM:ss.l",
	});
}

function format({ event, job, msg = "", exit }: Line): string {
	// Events name their job in the message; what a job logs itself does not.
	const origin = event === undefined && job !== undefined ? `[${job}] ` : "";
	const stack = exit?.error?.stack;
	return `${origin}${msg}${stack ? `\n${stack}` : ""}`;
}
