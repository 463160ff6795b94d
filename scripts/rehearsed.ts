/**
 * `scripts/node scripts/rehearsed.ts [NAME…]`: rehearses the stop of real software in containers, each with its remedy, and writes
 * docs/rehearsed.json and the table of docs/rehearsed.md. By hand: it takes a quarter of an hour and needs a Docker engine, a Debian
 * mirror and an npm registry.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatDuration } from "../src/base/time.ts";
import type { Report } from "../src/rehearse/report.ts";
import { makeDirectory } from "../test/helpers/directory.ts";
import { buildImage } from "../test/helpers/docker.ts";
import { exampleImage, imageTag } from "../test/helpers/images.ts";
import { must, run } from "./lib/command.ts";
import { root } from "./lib/paths.ts";
import { runScript, ScriptError } from "./lib/script.ts";

const DATA = join(root, "docs/rehearsed.json");
const PAGE = join(root, "docs/rehearsed.md");
const HEADING = "## The table\n";
const RUNS = 10;

interface Way {
	/** How its user starts it. */
	readonly command: string;
	/** Of docker run. */
	readonly options?: string;
	/** The file of docs/ that gets the picture of its stops. */
	readonly picture?: string;
}

interface Case {
	readonly name: string;
	/** The package whose version the table has. */
	readonly version: readonly [command: string, ...args: string[]];
	readonly ways: readonly Way[];
}

const npm = (name: string): Case["version"] => ["node", "-p", `"${name} " + require("${name}/package.json").version`];
const debian = (name: string): Case["version"] => ["dpkg-query", "--show", name];
const NODE: Case["version"] = ["node", "-p", '"node " + process.versions.node'];
const POSTGRES =
	"/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf";

/** The first way is the usual one, the others are remedies. */
const CASES: readonly Case[] = [
	{ name: "redis", version: debian("redis-server"), ways: [{ command: "redis-server" }] },
	{
		name: "nginx",
		version: debian("nginx"),
		ways: [
			{ command: "nginx -g daemon\\ off;" },
			{ command: "nginx -g daemon\\ off;", options: "--stop-signal SIGQUIT" },
		],
	},
	{
		name: "postgresql",
		version: debian("postgresql-15"),
		ways: [
			{ command: POSTGRES, options: "--user postgres" },
			{ command: POSTGRES, options: "--user postgres --stop-signal SIGINT" },
		],
	},
	{
		name: "php-fpm",
		version: debian("php8.2-fpm"),
		ways: [
			{ command: "php-fpm8.2 -F" },
			{ command: "php-fpm8.2 -F", options: "--stop-signal SIGQUIT" },
			{ command: "lastcall -- php-fpm8.2 -F" },
			{ command: "lastcall -- php-fpm8.2 -F", options: "--stop-signal SIGQUIT" },
		],
	},
	{
		name: "gunicorn",
		version: debian("gunicorn"),
		ways: [
			{ command: "gunicorn -b 127.0.0.1:8000 app:app" },
			{ command: "lastcall -- gunicorn -b 127.0.0.1:8000 app:app" },
		],
	},
	{
		name: "supervisord",
		version: debian("supervisor"),
		ways: [{ command: "supervisord -c supervisord.conf" }, { command: "lastcall run two.yaml" }],
	},
	{
		name: "a server without a handler",
		version: NODE,
		ways: [
			{ command: "node plain.js" },
			{ command: "node --import /opt/lastcall/dist/register.js plain.js" },
			{ command: "lastcall -- node plain.js" },
		],
	},
	{
		name: "a server with a handler",
		version: NODE,
		ways: [
			{ command: "node server.js" },
			{ command: "node --import /opt/lastcall/dist/register.js server.js" },
			{ command: "lastcall -- node server.js" },
		],
	},
	{
		name: "npm start",
		version: ["npm", "--version"],
		ways: [{ command: "npm start" }, { command: "node server.js" }, { command: "lastcall -- node server.js" }],
	},
	{
		name: "sh, and && in a CMD",
		version: debian("dash"),
		ways: [{ command: "sh -c node\\ server.js\\ &&\\ echo\\ done" }, { command: "lastcall run -- node server.js" }],
	},
	{
		name: "an entry point without exec",
		version: debian("dash"),
		ways: [
			{ command: "sh start.sh", picture: "rehearse-before.svg" },
			{ command: "sh start-exec.sh" },
			{ command: "lastcall -- sh start-exec.sh", picture: "rehearse-after.svg" },
		],
	},
	{
		name: "the same under tini",
		version: debian("dash"),
		ways: [{ command: "sh start.sh", options: "--init" }, { command: "lastcall run -- sh start.sh" }],
	},
	{
		name: "pm2-runtime, a worker that needs 3 s",
		version: npm("pm2"),
		ways: [{ command: "node_modules/.bin/pm2-runtime slow.js" }, { command: "lastcall run -- node slow.js" }],
	},
	{
		name: "Fastify",
		version: npm("fastify"),
		ways: [{ command: "node fastify.js" }, { command: "lastcall -- node fastify.js" }],
	},
	{
		name: "Next.js",
		version: npm("next"),
		ways: [
			{ command: "npx next start" },
			{ command: "node node_modules/next/dist/bin/next start" },
			{ command: "lastcall -- node node_modules/next/dist/bin/next start" },
		],
	},
];

/** What is kept of a rehearsal. */
type Row = Way &
	Pick<Report, "held" | "p50Ms" | "worstMs" | "exitCodes" | "signal" | "seed"> & {
		readonly name: string;
		readonly version: string;
		readonly isRemedy: boolean;
		readonly runs: number;
		readonly findings: readonly Report["verdicts"][number][];
	};

async function main(names: readonly string[]): Promise<number> {
	const image = await buildImage({
		tag: imageTag("rehearsed"),
		context: join(root, "scripts/rehearsed"),
		buildArgs: { IMAGE: await exampleImage() },
		timeout: 900_000,
	});
	const before: Row[] = existsSync(DATA) ? JSON.parse(readFileSync(DATA, "utf8")) : [];
	const chosen = CASES.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
	let rows = before;
	for (const { name, version, ways } of chosen) {
		const answer = await must("docker", ["run", "--rm", "--network", "none", image, ...version]);
		const found = answer.replace("\t", " ");
		const ofCase: Row[] = [];
		for (const way of ways) ofCase.push(await rehearse(image, name, found, way, ofCase.length > 0));
		rows = CASES.flatMap((each) => (each.name === name ? ofCase : rows.filter((row) => row.name === each.name)));
		// After each, so that an interruption loses nothing.
		writeFileSync(DATA, `${JSON.stringify(rows, undefined, "\t")}\n`);
	}
	if (existsSync(PAGE)) writeFileSync(PAGE, renderPage());
	return 0;
}

async function rehearse(image: string, name: string, version: string, way: Way, isRemedy: boolean): Promise<Row> {
	const { command, options = "", picture } = way;
	using folder = makeDirectory();
	const html = join(folder.path, "report.html");
	const split = (text: string) => (text.match(/(\\.|[^\\ ])+/g) ?? []).map((word) => word.replaceAll(/\\(.)/g, "$1"));
	const flags = ["--runs", String(RUNS), "--seed", "1", "--json", "--html", html, "--image", image];
	const args = [
		"dist/main.cjs",
		"rehearse",
		...flags,
		"--",
		"--network=none",
		...split(options),
		"--",
		...split(command),
	];
	const { stdout, stderr } = await run(process.execPath, args, { cwd: root, timeout: 600_000 });
	if (!stdout.startsWith("{")) throw new ScriptError(`Cannot rehearse ${command}: ${stderr}`);
	if (picture) writeFileSync(join(root, "docs", picture), pictureOf(readFileSync(html, "utf8")));
	const { held, p50Ms, worstMs, exitCodes, signal, seed, runs, verdicts }: Report = JSON.parse(stdout);
	console.error(
		`${name}: ${command} ${options}\n${verdicts.map(({ level, finding }) => `  ${level}: ${finding}`).join("\n")}`,
	);
	const findings = verdicts.filter(({ level }) => level !== "ok");
	return {
		name,
		version,
		...way,
		isRemedy,
		runs: runs.length,
		held,
		p50Ms,
		worstMs,
		exitCodes,
		signal,
		seed,
		findings,
	};
}

/** The picture of a report as a file of its own, with the report's style. */
function pictureOf(html: string): string {
	const [, style = ""] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
	const [picture = ""] = /<svg .*?<\/svg>/s.exec(html) ?? [];
	const own = `${style}svg{background:var(--page)}`;
	return `${picture.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replace(">", `><style>${own}</style>`)}\n`;
}

/** docs/rehearsed.md with its table made anew from docs/rehearsed.json. */
export function renderPage(): string {
	const page = readFileSync(PAGE, "utf8");
	const start = page.indexOf(HEADING) + HEADING.length;
	const end = page.indexOf("\n## ", start);
	return `${page.slice(0, start)}\n${renderTable(JSON.parse(readFileSync(DATA, "utf8")))}${end === -1 ? "" : page.slice(end)}`;
}

function renderTable(rows: readonly Row[]): string {
	const lines = rows.map((row) => {
		const { name, version, command, options, isRemedy, held, p50Ms, worstMs, exitCodes, signal, findings } = row;
		const what = isRemedy ? "remedy" : `**${name}** (${version})`;
		const shown = command.replaceAll("\\", "").replace(/ -c config_file=\S+/, " …");
		const codes = Object.entries(exitCodes).map(([code, count]) => `${code} × ${count}`);
		const said = findings.map(({ finding }) => escapeCell(finding));
		const cells = [
			what,
			`${code(shown)}${options ? `, ${code(options)}` : ""}`,
			signal,
			held ? "yes" : "**no**",
			formatDuration(p50Ms),
			formatDuration(worstMs),
			codes.join(", "),
			said.join("; ") || "–",
		];
		return `| ${cells.join(" | ")} |`;
	});
	const head = ["", "command", "signal", "held 10 s", "p50", "worst", "exit codes", "verdicts"];
	return `${[`| ${head.join(" | ")} |`, `|${"---|".repeat(head.length)}`, ...lines].join("\n")}\n`;
}

function code(text: string): string {
	return `\`${escapeCell(text)}\``;
}

function escapeCell(text: string): string {
	return text.replaceAll("|", "\\|");
}

if (import.meta.main) await runScript(() => main(process.argv.slice(2)));
