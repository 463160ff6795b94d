/** A result as a picture: SVG, made by Vega-Lite without a browser. */
import type { Result, Row } from "../lib/result.ts";
import { importPeer } from "../peers/install.ts";
import { say } from "./numbers.ts";

/** As much of the two packages as is used here: their own types would be wanted wherever the sources are checked. */
interface Vega {
	parse(spec: object): object;
	readonly View: new (runtime: object, options: object) => { toSVG(): Promise<string> };
}
interface VegaLite {
	compile(spec: object): { readonly spec: object };
}

const OURS = "#2f81f7";
const OTHERS = "#8b949e";
/** Beyond it a bar of the least would not be seen: points on a logarithmic scale then, for bars have no origin there. */
const WIDEST_RATIO = 30;
const WIDTH = 420;

/** Readable on light and dark pages, also where the media query is not understood. */
const STYLE = `<style>text{fill:#6e7781}@media(prefers-color-scheme:light){text{fill:#1f2328}}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>`;

const COMMON = {
	$schema: "https://vega.github.io/schema/vega-lite/v6.json",
	background: null,
	config: {
		font: "sans-serif",
		view: { stroke: null },
		axis: { grid: false, domain: false, ticks: false, labelLimit: 400 },
	},
};

/** Needs the packages of bench/peers. */
export async function renderChart(result: Result): Promise<string> {
	const sizes = pointsBySize(result);
	const spec = sizes.length > 0 ? lines(sizes) : bars(result);
	return draw({ ...COMMON, ...spec });
}

async function draw(spec: object): Promise<string> {
	const { compile } = await importPeer<VegaLite>("vega-lite");
	const { parse, View } = await importPeer<Vega>("vega");
	const view = new View(parse(compile(spec).spec), { renderer: "none" });
	const svg = await view.toSVG();
	return `${svg.replace(/(<svg[^>]*>)/, `$1${STYLE}`)}\n`;
}

function colourOf(contestant: string): string {
	return contestant.startsWith("lastcall") ? OURS : OTHERS;
}

/** One column: a bar, or a point, for each contestant. */
function bars({ chart, rows }: Result): object {
	const values = rows
		.filter((row) => row.values[chart] !== undefined)
		.map((row) => {
			const value = row.values[chart] ?? 0;
			const { contestant } = row;
			return { contestant, value, label: say(value), colour: colourOf(contestant) };
		});
	const found = values.map(({ value }) => value);
	const log = Math.max(...found) / Math.min(...found) > WIDEST_RATIO;
	const x = {
		field: "value",
		type: "quantitative",
		title: log ? `${chart} (logarithmic)` : chart,
		scale: { type: log ? "log" : "linear" },
		axis: { tickCount: 4 },
	};
	return {
		width: WIDTH,
		height: { step: 18 },
		data: { values },
		encoding: { x, y: { field: "contestant", type: "nominal", sort: null, title: null } },
		layer: [
			{
				mark: log ? { type: "point", filled: true, size: 70 } : { type: "bar" },
				encoding: { color: { field: "colour", type: "nominal", scale: null } },
			},
			{ mark: { type: "text", align: "left", dx: 7 }, encoding: { text: { field: "label" } } },
		],
	};
}

interface Point {
	readonly contestant: string;
	readonly kind: string;
	readonly members: number;
	readonly ms: number;
}

/** Of a measure whose columns are sizes: "8 threads", "100 processes". */
function pointsBySize({ rows }: Result): Point[] {
	const pointsOf = ({ contestant, values }: Row) =>
		Object.entries(values).flatMap(([column, ms]): Point[] => {
			const [, members, kind] = /^(\d+) (thread|process)(?:e?s)?$/.exec(column) ?? [];
			if (!kind) return [];
			return [{ contestant, kind, members: Number(members), ms }];
		});
	return rows.flatMap(pointsOf);
}

/** How it grows: a line for each contestant, a panel for each kind of member. */
function lines(points: readonly Point[]): object {
	const names = [...new Set(points.map(({ contestant }) => contestant))];
	const kinds = [...new Set(points.map(({ kind }) => kind))];
	const panels = kinds.map((kind) => ({
		width: WIDTH * 0.7,
		height: 260,
		data: { values: points.filter((point) => point.kind === kind) },
		mark: { type: "line", point: { filled: true, size: 40 } },
		encoding: {
			x: {
				field: "members",
				type: "quantitative",
				title: kind === "thread" ? "threads" : "processes",
				scale: { type: "log" },
				axis: { values: sizesOf(points, kind) },
			},
			y: {
				field: "ms",
				type: "quantitative",
				title: "ms (logarithmic)",
				scale: { type: "log" },
				axis: { grid: true, gridColor: OTHERS, gridOpacity: 0.25, values: [1, 10, 100, 1_000, 10_000] },
			},
			strokeWidth: { condition: { test: "indexof(datum.contestant, 'lastcall') === 0", value: 4 }, value: 1.5 },
			color: {
				field: "contestant",
				type: "nominal",
				title: null,
				sort: names,
				scale: { scheme: "tableau20", domain: names },
				legend: { labelLimit: 320 },
			},
		},
	}));
	return { hconcat: panels };
}

function sizesOf(points: readonly Point[], kind: string): number[] {
	const sizes = points.filter((point) => point.kind === kind);
	return [...new Set(sizes.map(({ members }) => members))];
}
