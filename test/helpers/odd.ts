/** Values, texts and bytes that nobody means, for fuzzing. */
import { fc } from "./property.ts";

/** Names that every object of JavaScript has, and some that mean something to a shell, a terminal, or a file system. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
	fc.constantFrom(
		"",
		" ",
		"..",
		"/",
		"-",
		"--",
		"=",
		":",
		"__proto__",
		"constructor",
		"prototype",
		"toString",
		"hasOwnProperty",
		"0",
		"-1",
		"1e999",
		"NaN",
		"no",
		"null",
		"10s",
		"1h1h1h",
		"99999999999999999999h",
		"a\0b",
		"a\r\nb",
		"\x1b[2J\x1b]0;x\x07",
		"\ud800",
		"\u202e\u2028\ufeff",
		"$PATH",
		"%00%",
		"[::1]:0",
		"http://a b[",
		"a".repeat(70_000),
		"ż".repeat(70_000),
	),
	fc.string({ unit: "binary", maxLength: 30 }),
	fc.string({ maxLength: 12 }),
);

const hostileNumbers = [0, -0, -1, 0.1, 1e9, 1e300, 2 ** 31, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY];

/** What a configuration in JSON or YAML can hold. */
export const oddJson: fc.Arbitrary<unknown> = fc.oneof(
	oddText,
	fc.constantFrom(null, true, false, [], {}, [[]], ...hostileNumbers),
	fc.dictionary(oddText, fc.oneof(oddText, fc.constantFrom(1, null, [])), { maxKeys: 4, noNullPrototype: false }),
	fc.array(oddText, { maxLength: 4 }),
	fc.integer({ min: 1, max: 5_000 }).map(nest),
	fc.constant(JSON.parse('{"__proto__": {"x": 1}, "constructor": []}')),
);

/** What one in TypeScript can hold beside that. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
	{ weight: 4, arbitrary: oddJson },
	{
		weight: 1,
		arbitrary: fc.constantFrom<unknown>(
			undefined,
			1n,
			Symbol("s"),
			() => {},
			class {},
			new Map(),
			new Date(Number.NaN),
			/x/,
			Buffer.from("x"),
			circular(),
			Object.create(null),
			Promise.resolve(),
			new Proxy({}, {}),
		),
	},
);

function nest(depth: number): unknown {
	let value: unknown = [];
	for (let level = 0; level < depth; level++) value = [value];
	return value;
}

function circular(): unknown {
	const value: Record<string, unknown> = {};
	value.own = value;
	return value;
}

/** Puts something in the place of a part of a value, or beside its parts. */
export interface Mutation {
	/** Which part: the numbers choose a key on each level. */
	readonly way: readonly number[];
	readonly action: "replace" | "add" | "remove";
	readonly key: string;
	readonly value: unknown;
}

export function mutations(values: fc.Arbitrary<unknown>): fc.Arbitrary<readonly Mutation[]> {
	const one = fc.record({
		way: fc.array(fc.nat(20), { minLength: 0, maxLength: 4 }),
		action: fc.constantFrom("replace", "replace", "add", "remove"),
		key: oddText,
		value: values,
	});
	return fc.array(one as fc.Arbitrary<Mutation>, { minLength: 1, maxLength: 3 });
}

/** @returns A copy. */
export function mutate(value: unknown, { way: [first, ...rest], action, key, value: odd }: Mutation): unknown {
	if (typeof value !== "object" || value === null || first === undefined) return odd;
	const copy = { ...(value as Record<string, unknown>) };
	const keys = Object.keys(copy);
	const chosen = keys[first % Math.max(1, keys.length)];
	if (rest.length > 0 && chosen !== undefined)
		define(copy, chosen, mutate(copy[chosen], { way: rest, action, key, value: odd }));
	else if (action === "add" || chosen === undefined) define(copy, key, odd);
	else if (action === "remove") delete copy[chosen];
	else define(copy, chosen, odd);
	return Array.isArray(value) ? Object.values(copy) : copy;
}

/** As an own property, also if it is called `__proto__`. */
function define(object: object, key: string, value: unknown): void {
	Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Damage done to a text: bytes put in, taken away, doubled. */
export interface Damage {
	readonly at: number;
	readonly length: number;
	readonly action: "insert" | "remove" | "double" | "cut";
	readonly bytes: Uint8Array;
}

const text = (value: string) => new Uint8Array(Buffer.from(value));

export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
	fc.record({
		at: fc.double({ min: 0, max: 1, noNaN: true }),
		length: fc.integer({ min: 1, max: 20 }),
		action: fc.constantFrom("insert", "insert", "remove", "double", "cut"),
		bytes: fc.oneof(
			fc.uint8Array({ minLength: 1, maxLength: 6 }),
			fc.constantFrom(
				...["\0", "\ufeff", "\r\n", "\t", "{", "]", '"', "'", ",", ":"].map(text),
				...["&a ", "*a", "<<: *a", "!!js/function x", "---\n", "%TAG ! x"].map(text),
				...["\u2028", "\x1b[2J", "//", "/*", "`", "${", "#", "@", "|\n"].map(text),
				text("[".repeat(10_000)),
				text(`"${"x".repeat(1_000_000)}"`),
				new Uint8Array([0xff, 0xfe, 0xc3, 0x28]),
			),
		),
	}) as fc.Arbitrary<Damage>,
	{ maxLength: 4 },
);

export function damage(bytes: Buffer, all: readonly Damage[]): Buffer {
	return all.reduce((whole, { at, length, action, bytes: put }) => {
		const start = Math.floor(at * whole.length);
		const [head, tail] = [whole.subarray(0, start), whole.subarray(start)];
		switch (action) {
			case "insert":
				return Buffer.concat([head, put, tail]);
			case "remove":
				return Buffer.concat([head, tail.subarray(length)]);
			case "double":
				return Buffer.concat([head, tail.subarray(0, length), tail]);
			default:
				return Buffer.from(head);
		}
	}, bytes);
}
