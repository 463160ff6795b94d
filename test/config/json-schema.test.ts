/** The published JSON Schema and the validator are made of one schema: here they agree on examples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configJsonSchema } from "../../scripts/schema.ts";

interface Schema {
	readonly properties?: Record<string, Schema>;
	readonly additionalProperties?: Schema | boolean;
	readonly anyOf?: Schema[];
	readonly description?: string;
	readonly pattern?: string;
	readonly required?: string[];
}

const schema = configJsonSchema() as Schema;
const jobs = schema.properties?.jobs as Schema;
const [thread, process, command] = (jobs.additionalProperties as Schema).anyOf ?? [];

test("configJsonSchema() describes every field of an author", () => {
	const fields = [schema, thread, process, command].flatMap((object) => Object.entries(object?.properties ?? {}));
	assert.ok(fields.length > 30);
	for (const [name, { description }] of fields) assert.ok(description, `${name} has a description`);
});

test("configJsonSchema() knows the three kinds of job, and nothing beside their fields", () => {
	assert.deepEqual(thread?.required, ["thread"]);
	assert.deepEqual(process?.required, ["process"]);
	assert.deepEqual(command?.required, ["command"]);
	for (const object of [schema, thread, process, command]) assert.equal(object?.additionalProperties, false);
});

test("configJsonSchema() takes durations as text with a unit", () => {
	const pattern = new RegExp(schema.properties?.stopTimeout?.pattern ?? "^$");
	assert.match("1m30s", pattern);
	assert.doesNotMatch("10", pattern);
});
