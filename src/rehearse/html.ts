/** The report for a browser: one file that includes its pictures, without scripts or external resources. */
import { formatDuration } from "../base/time.ts";
import type { Run } from "./rehearsal.ts";
import type { Report } from "./report.ts";
import { budgetsOf } from "./text.ts";
import { describeProcess } from "./verdicts.ts";

/** The size of the picture, in units of its viewBox: the browser scales the picture. */
const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 64;
const RIGHT = 16;
const TOP = 16;
const BOTTOM = 44;
/** The picture draws all shorter times at the same height. In milliseconds. */
const SHORTEST_MS = 1;

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#57606a;--line:#d0d7de;--page:#fff;--ok:#1a7f37;--error:#cf222e;--warning:#9a6700;--note:#0969da}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--page:#0d1117;--ok:#3fb950;--error:#f85149;--warning:#d29922;--note:#58a6ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 3rem;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}
.dim,figcaption{color:var(--dim);font-size:.9rem}
.held{color:var(--ok)}.broken{color:var(--error)}
.verdicts{list-style:none;margin:0;padding:0}
.verdicts li{border-left:.25rem solid;margin:.75rem 0;padding:.1rem 0 .1rem .75rem;overflow-wrap:anywhere}
.verdicts p{color:var(--ink)}
.verdicts .error{border-color:var(--error)}.verdicts .warning{border-color:var(--warning)}.verdicts .note{border-color:var(--note)}.verdicts .ok{border-color:var(--ok)}
.level{font-weight:600}
figure{margin:1rem 0}
svg{display:block;width:100%;min-width:34rem;height:auto}
.error{fill:var(--error)}.ok{fill:var(--ok)}
svg text{fill:var(--dim);font:12px system-ui,sans-serif}
.grid{stroke:var(--line)}.budget{stroke:var(--warning);stroke-dasharray:4 4}.own{stroke:var(--error);stroke-dasharray:none}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;min-width:44rem;font-size:.9rem}
th,td{border-bottom:1px solid var(--line);padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top}
th{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.long{overflow-wrap:anywhere}
:focus-visible{outline:.15rem solid var(--note);outline-offset:.15rem}`;

export function renderHtml(report: Report): string {
	const { subject, how, signal, withinMs, seed, held, runs, stopTimeout, limits, verdicts, exitCodes } = report;
	const budget = formatDuration(stopTimeout.ms);
	const codes = Object.entries(exitCodes).map(([code, count]) => `<b>${code}</b> ${count} ×`);
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>The stop of ${escapeHtml(subject)}</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
<h1>The stop of ${escapeHtml(subject)}</h1>
<p class="${held ? "held" : "broken"}"><b>${held ? `Every stop held ${budget}` : `Not every stop held ${budget}`}</b> (${escapeHtml(stopTimeout.source)})</p>
<p>p50 <b>${formatDuration(report.p50Ms)}</b>, p99 <b>${formatDuration(report.p99Ms)}</b>, worst <b>${formatDuration(report.worstMs)}</b>. Exit codes: ${codes.join(", ")}.</p>
<p class="dim">${runs.length} runs ${escapeHtml(how)}; ${signal} within ${formatDuration(withinMs)} after the start; seed ${seed}; lastcall ${report.lastcall}.</p>
${limits.map((limit) => `<p class="dim">Not shown: ${escapeHtml(limit)}.</p>\n`).join("")}<h2>Verdicts</h2>
<ul class="verdicts">
${verdicts.map(({ level, finding, remedy }) => `<li class="${level}"><p><span class="level">${level}:</span> ${escapeHtml(finding)}</p>${remedy === undefined ? "" : `<p class="dim">→ ${escapeHtml(remedy)}</p>`}</li>\n`).join("")}</ul>
<h2>Every stop</h2>
${drawStops(report)}
<h2>Every run</h2>
<div class="wide" role="region" aria-label="Every run" tabindex="0">
<table>
<thead><tr><th class="number">run</th><th class="number">signal after</th><th class="number">stop took</th><th class="number">exit code</th><th>what was seen</th></tr></thead>
<tbody>
${runs.map((run, index) => renderRun(run, index)).join("")}</tbody>
</table>
</div>
</main>
</body>
</html>
`;
}

function renderRun(run: Run, index: number): string {
	const { signalledAfterMs, stopMs, exitCode, outcome, zombies, cutOff, late, output, probe } = run;
	const facts = [
		outcome === "ended-before" && "ended before the signal",
		outcome === "late" && `killed: ${late.map(describeProcess).join("; ")}`,
		run.listens === false && "PID 1 did not listen",
		cutOff.length > 0 && `cut off: ${cutOff.join("; ")}`,
		zombies.length > 0 && `${zombies.length} zombies`,
		probe && `${probe.failed} failed and ${probe.refused} refused of ${probe.requests} requests`,
		output.lastLine !== "" && `last line: ${output.lastLine.slice(0, 200)}`,
	].filter((fact) => typeof fact === "string");
	const took = outcome === "ended-before" ? "–" : formatDuration(stopMs);
	return `<tr><td class="number">${index + 1}</td><td class="number">${formatDuration(signalledAfterMs)}</td><td class="number">${took}</td><td class="number">${exitCode}</td><td class="long">${escapeHtml(facts.join(" · "))}</td></tr>\n`;
}

/** One dot for each stop. x: when the signal came. y: how long the stop took, on a logarithmic scale. */
function drawStops({ runs, stopTimeout, withinMs }: Report): string {
	const stops = runs.filter(({ outcome }) => outcome !== "ended-before");
	const budgets = budgetsOf(stopTimeout.ms);
	const most = Math.max(...budgets.map(({ ms }) => ms), ...stops.map(({ stopMs }) => stopMs)) * 1.5;
	const longest = Math.max(withinMs, ...stops.map(({ signalledAfterMs }) => signalledAfterMs));
	const x = (ms: number) => round(LEFT + (ms / longest) * (WIDTH - LEFT - RIGHT));
	const share = (ms: number) => Math.log(Math.max(ms, SHORTEST_MS) / SHORTEST_MS) / Math.log(most / SHORTEST_MS);
	const y = (ms: number) => round(HEIGHT - BOTTOM - share(ms) * (HEIGHT - TOP - BOTTOM));
	const rows = [1, 10, 100, 1_000, 10_000, 100_000].filter((ms) => ms < most);
	const text = (at: number, height: number, anchor: string, label: string) =>
		`<text x="${at}" y="${height}" text-anchor="${anchor}">${escapeHtml(label)}</text>`;
	const line = (kind: string, height: number) =>
		`<line class="${kind}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${height}" y2="${height}"/>`;
	const parts = [
		...rows.flatMap((ms) => [line("grid", y(ms)), text(LEFT - 8, y(ms) + 4, "end", formatDuration(ms))]),
		...budgets.flatMap(({ name, ms }) => [
			line(ms === stopTimeout.ms ? "budget own" : "budget", y(ms)),
			text(WIDTH - RIGHT, y(ms) - 4, "end", `${name} ${formatDuration(ms)}`),
		]),
		...[0, 0.25, 0.5, 0.75, 1].map((part) =>
			text(x(part * longest), HEIGHT - BOTTOM + 18, part === 1 ? "end" : "middle", formatDuration(part * longest)),
		),
		text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle", "the signal came so long after the start"),
		...stops.map(({ signalledAfterMs, stopMs, outcome, exitCode }) => {
			const [at, height] = [x(signalledAfterMs), y(stopMs)];
			const title = `<title>after ${formatDuration(signalledAfterMs)}: ${formatDuration(stopMs)}, exit code ${exitCode}</title>`;
			return outcome === "late"
				? `<path class="error" d="M${at - 5} ${height - 5}h10v10h-10z">${title}</path>`
				: `<circle class="ok" cx="${at}" cy="${height}" r="5" fill-opacity=".7">${title}</circle>`;
		}),
	];
	const late = stops.filter(({ outcome }) => outcome === "late").length;
	const caption = `How long each of ${stops.length} stops took. Circles ended by themselves; squares were killed (${late}).`;
	return `<figure>
<div class="wide" role="region" aria-label="The picture of every stop" tabindex="0">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(caption)}">
${parts.join("\n")}
</svg>
</div>
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}

function escapeHtml(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
