/** The JSON Schema of a configuration, for editors: its shape from the schema that validates, its words from config.ts. */
import { readFileSync } from "node:fs";
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { publishedSchema } from "../src/config/schema.ts";

export function configJsonSchema(): JsonSchema {
	const schema = toJsonSchema(publishedSchema, {
		// What an author writes: durations as text.
		typeMode: "input",
		// What a JSON Schema cannot say, the validator says.
		errorMode: "ignore",
	});
	const descriptions = readDescriptions();
	const { jobs } = schema.properties as { jobs: JsonSchema };
	const kinds = (jobs.additionalProperties as JsonSchema).anyOf ?? [];
	for (const [object, interfaces] of [
		[schema, ["Config"]],
		[kinds[0], ["ThreadJobConfig", "CommonJobConfig"]],
		[kinds[1], ["FunctionProcessJobConfig", "ProcessJobConfig", "CommonJobConfig"]],
		[kinds[2], ["CommandJobConfig", "ProcessJobConfig", "CommonJobConfig"]],
	] as const) {
		const { properties = {} } = object as JsonSchema;
		for (const [name, field] of Object.entries(properties)) {
			const description = interfaces
				.map((type) => descriptions.get(`${type}.${name}`))
				.find((text) => text !== undefined);
			if (description !== undefined) Object.assign(field as JsonSchema, { description });
		}
	}
	return { title: "Configuration of lastcall", ...schema };
}

/** The documentation comments of config.ts, by `Interface.field`. */
function readDescriptions(): Map<string, string> {
	const file = new URL("../src/config/config.ts", import.meta.url);
	const source = readFileSync(file, "utf8");
	const descriptions = new Map<string, string>();
	const pattern = /^(?:export )?interface (\w+)|^\t\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\t([\w$]+)\??:/gm;
	let type = "";
	for (const [, name, comment, field] of source.matchAll(pattern)) {
		if (name !== undefined) type = name;
		else if (comment !== undefined) descriptions.set(`${type}.${field}`, comment.replace(/\s*\n\s*\*? ?/g, " ").trim());
	}
	return descriptions;
}
