/** docs/recipes.md: each recipe is run as it is written, and stopped under load. No request and no item is lost. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite, test } from "node:test";
import { must, run } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { recipesAreInstalled, recipesDir } from "../../scripts/lib/toolchain.ts";
import { Clients } from "../helpers/balancer.ts";
import { type Lastcall, startNode } from "../helpers/lastcall.ts";
import { MAIN } from "../helpers/main.ts";
import { freePort } from "../helpers/ports.ts";
import { recipes } from "../helpers/readme.ts";
import { startRedis } from "../helpers/redis.ts";
import { until } from "../helpers/until.ts";

const UNDER_LOAD = 200;

/** Whatever asks for `node` by PATH gets the one that runs this test. */
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NEXT_TELEMETRY_DISABLED: "1" };

/** For the options of a test that runs a recipe with packages: says why it is left out. In CI it never is. */
const skip =
	process.env.CI !== "true" &&
	!recipesAreInstalled() &&
	"not installed: the packages of docs/recipes.md (LASTCALL_ENGINE=install npm test faults/recipes installs them)";
const withoutRedis = (await run("redis-server", ["--version"])).code === 127 && "redis-server is not installed";

const BUILDS: Readonly<Record<string, readonly string[]>> = {
	NestJS: [join(root, "node_modules/.bin/tsc"), "--typeRoots", join(root, "node_modules/@types")],
	"Next.js": [process.execPath, join(recipesDir, "node_modules/next/dist/bin/next"), "build"],
};

suite("docs/recipes.md", { skip }, () => {
	for (const name of ["Express", "Fastify", "NestJS", "Next.js"])
		test(`${name}: no request fails at a stop under load`, async () => {
			const port = await freePort();
			using recipe = new Recipe(name, { 8080: port });
			await recipe.build();
			await recipe.check();
			await using lastcall = await recipe.start();
			await lastcall.waitFor("job.ready", "web");
			await stopUnderLoad(lastcall, port);
		});

	test("Migrations, and node:sqlite: every row that was answered is in the file", async () => {
		const port = await freePort();
		using recipe = new Recipe("Migrations, and node:sqlite", { 8080: port });
		await recipe.check();
		await using lastcall = await recipe.start();
		await lastcall.waitFor("job.ready", "web");
		const answered = await stopUnderLoad(lastcall, port, "Hello");
		const file = join(recipe.path, "mail.db");
		assert.equal(existsSync(`${file}-wal`), false, "the database was closed");
		using database = new DatabaseSync(file, { readOnly: true });
		assert.equal(database.prepare("SELECT count(*) AS rows FROM mail").get()?.rows, answered);
	});

	test("BullMQ: every item is done once, over two stops", { skip: withoutRedis }, async () => {
		await using redis = await startRedis();
		using recipe = new Recipe("BullMQ", { 6379: redis.port });
		await recipe.check();
		const require = createRequire(join(recipesDir, "package.json"));
		const { Queue } = require("bullmq");
		const { Redis } = require("ioredis");
		const connection = new Redis(redis.port, "127.0.0.1");
		const queue = new Queue("mail", { connection });
		try {
			const items = Array.from({ length: 400 }, (_, index) => ({ name: "mail", data: { to: `user ${index}` } }));
			await queue.addBulk(items);
			const sent: string[] = [];
			for (const enough of [100, 200, items.length]) {
				await using lastcall = await recipe.start();
				const own = () => lastcall.lines.all.flatMap((line) => line.match(/Sent a mail to user \d+/) ?? []);
				await until(() => sent.length + own().length >= enough, `${enough} mails are sent`);
				lastcall.kill("SIGTERM");
				assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
				sent.push(...own());
				assert.equal(await queue.getActiveCount(), 0, "no item is left in hand");
				assert.equal(await queue.getCompletedCount(), sent.length);
			}
			assert.equal(sent.length, items.length);
			assert.equal(new Set(sent).size, items.length);
		} finally {
			await queue.close();
			connection.disconnect();
		}
	});
});

/** A folder with the files of a recipe, below the packages that it needs. Use with `using`: gone at the end of the block. */
class Recipe implements Disposable {
	readonly path: string;
	readonly #name: string;

	/** @param ports What to write for each port that the recipe names. */
	constructor(name: string, ports: Readonly<Record<string, number>>) {
		const files = recipes()[name];
		if (!files) throw new Error(`Found no recipe "${name}" in docs/recipes.md`);
		this.#name = name;
		this.path = mkdtempSync(join(recipesDir, "recipe-"));
		this.#write("package.json", '{"type": "module"}\n');
		for (const [path, text] of Object.entries(files)) {
			const ported = Object.entries(ports).reduce((text, [from, to]) => text.replaceAll(from, `${to}`), text);
			// Next.js takes the folder of the lock file, one above ours, for a monorepo.
			this.#write(path, ported.replace(".next/standalone/", `.next/standalone/${basename(this.path)}/`));
		}
		mkdirSync(join(this.path, "node_modules"));
		symlinkSync(root, join(this.path, "node_modules/lastcall"));
	}

	#write(path: string, text: string): void {
		mkdirSync(dirname(join(this.path, path)), { recursive: true });
		writeFileSync(join(this.path, path), text);
	}

	async build(): Promise<void> {
		const [command, ...args] = BUILDS[this.#name] ?? [];
		if (command !== undefined) await must(command, args, { cwd: this.path, env, timeout: 300_000 });
	}

	async check(): Promise<void> {
		const said = await must(process.execPath, [MAIN, "check"], { cwd: this.path, env });
		assert.match(said, /lastcall\.config\.yaml is fine$/m);
	}

	start(): Promise<Lastcall> {
		// Time enough on any machine: a kill is a failure of the recipe.
		const settings = { LASTCALL_STOP_TIMEOUT: "5m", LASTCALL_SOCKET: "" };
		return startNode([MAIN, "run"], { cwd: this.path, env: { ...env, ...settings } });
	}

	[Symbol.dispose](): void {
		rmSync(this.path, { recursive: true, force: true });
	}
}

/** @returns how many requests were answered; the others came when the server had stopped. */
async function stopUnderLoad(lastcall: Lastcall, port: number, body?: string): Promise<number> {
	await using clients = new Clients(port, 8, body);
	await until(() => clients.answered >= UNDER_LOAD, "the server is under load");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	await clients.end();
	const failures = clients.failures.filter((failure) => !failure.endsWith("ECONNREFUSED"));
	assert.deepEqual(failures, []);
	return clients.answered;
}
