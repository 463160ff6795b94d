/** `lastcall init`: writes a configuration from a project's existing files, and shows the lines for its Dockerfile. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { errorInfo, UserError } from "../base/errors.ts";
import { fromEcosystem, fromPackage, fromProcfile, type Translation } from "./translate.ts";

/** The files to look for, the most telling one first. */
const SOURCES = ["ecosystem.config.js", "ecosystem.config.cjs", "ecosystem.config.mjs", "Procfile", "package.json"];
const TARGET = "lastcall.config.json";

const READINESS = `With "readiness": {"http": "http://127.0.0.1:PORT/"} a server is ready when it answers.`;

const DOCKERFILE = `ENV PATH=/app/node_modules/.bin:$PATH
RUN lastcall check
USER node
HEALTHCHECK CMD ["lastcall", "status"]
ENTRYPOINT ["lastcall"]
CMD ["run"]`;

export interface InitOptions {
	/** A Procfile, a package.json or an ecosystem file. @default the first of SOURCES that exists */
	readonly source: string | undefined;
	/** Whether to write the configuration. */
	readonly yes: boolean;
	/** The file names of configurations. No such file may exist. */
	readonly taken: readonly string[];
	/** Throws a UserError if the configuration has a mistake. */
	readonly check: (value: unknown, path: string) => void;
}

/**
 * @returns The text to print.
 * @throws {UserError} if a configuration exists, if there is nothing to make one from, or if the new one has a mistake:
 * a program that is not installed here, for instance. Then nothing is written.
 */
export async function init({ source, yes, taken, check }: InitOptions): Promise<string> {
	const present = taken.find((name) => existsSync(name));
	if (present !== undefined)
		throw new UserError(`Cannot make a configuration: found ${present}, which lastcall init does not overwrite`);
	const file = source ?? SOURCES.find((name) => existsSync(name));
	if (file === undefined)
		throw new UserError(`Cannot make a configuration: found none of ${SOURCES.join(", ")}, expected one of them`);
	const { jobs, left } = await translate(file);
	if (Object.keys(jobs).length === 0)
		throw new UserError(
			`Cannot make a configuration from ${file}: found nothing that stays, expected a script "start", a line "web: node server.js" or apps with a script`,
		);
	const schema = "node_modules/lastcall/dist/schema.json";
	const config = { ...(existsSync(schema) && { $schema: schema }), jobs };
	// A copy, because the check makes paths absolute in place.
	check(structuredClone(config), resolve(TARGET));
	const text = `${JSON.stringify(config, undefined, 2)}\n`;
	if (yes) writeFileSync(TARGET, text, { flag: "wx" });
	const leftOut = left.length === 0 ? "" : `\nNot translated:\n${left.map((line) => `  ${line}\n`).join("")}`;
	const next = yes ? `Wrote ${TARGET}.` : `Nothing is written yet: lastcall init --yes writes ${TARGET}.`;
	return `${TARGET}, from ${file}:\n\n${text}${leftOut}\n${READINESS}\n\nThe end of the Dockerfile, after npm ci and COPY:\n\n${DOCKERFILE}\n\n${next}\n`;
}

async function translate(file: string): Promise<Translation> {
	const path = resolve(file);
	try {
		const isJson = extname(file) === ".json";
		if (!isJson && !/^\.[cm]?js$/.test(extname(file))) return fromProcfile(readFileSync(path, "utf8"));
		const module: { default?: unknown } = isJson
			? { default: JSON.parse(readFileSync(path, "utf8")) }
			: await import(pathToFileURL(path).href);
		return basename(file) === "package.json" ? fromPackage(module.default) : fromEcosystem(module.default);
	} catch (error) {
		throw new UserError(`Cannot read ${file}: ${errorInfo(error).message}`);
	}
}
