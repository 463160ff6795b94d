/** The claims of docs/security.md that no other test holds, in containers as users run them; and that all are held. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { INLINED, PACKAGES } from "../../scripts/lib/bundle.ts";
import { makeDirectory, type TestDirectory } from "../helpers/directory.ts";
import { type Container, docker, HARDENED, runContainer } from "../helpers/docker.ts";
import { parseEvents } from "../helpers/events.ts";
import { fixtureImage } from "../helpers/images.ts";
import { until } from "../helpers/until.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY = { timeout: 60_000 };

let image: string;
before(async () => {
	image = await fixtureImage();
});

interface Service extends AsyncDisposable {
	readonly container: Container;
}

async function runService(
	config: object,
	flags: readonly string[] = [],
	env: Readonly<Record<string, string>> = {},
): Promise<Service> {
	const folder: TestDirectory = makeDirectory({ "lastcall.config.json": JSON.stringify(config) });
	chmodSync(folder.path, 0o755);
	const container = await runContainer({
		image,
		args: ["run", "/service/lastcall.config.json"],
		env,
		flags: [`--volume=${folder.path}:/service:ro`, ...flags],
	});
	return {
		container,
		async [Symbol.asyncDispose]() {
			await container[Symbol.asyncDispose]();
			folder[Symbol.dispose]();
		},
	};
}

const program = (file: string, ...args: string[]) => ({
	command: [file.endsWith(".sh") ? "sh" : "node", `/app/programs/${file}`, ...args],
});
const steady = program("waiting.sh", "steady");

async function untilServed({ container }: Service, socket: string) {
	await until(async () => (await container.exec(["test", "-S", socket])).code === 0, "it has its socket", 60_000);
}

const read = async ({ container }: Service, ...command: string[]) => (await container.exec(command)).stdout;

/** Addresses and ports that somebody listens on, as the kernel writes them. */
async function listeners(service: Service): Promise<string[]> {
	const table = await read(service, "cat", "/proc/net/tcp", "/proc/net/tcp6");
	return table
		.split("\n")
		.map((line) => line.trim().split(/\s+/))
		.filter(([, , , state]) => state === "0A")
		.map(([, address = ""]) => address);
}

test("nothing listens but one Unix socket, which belongs to the init's user and opens to no other", async () => {
	await using service = await runService({ jobs: { steady } });
	await untilServed(service, "/tmp/lastcall.sock");
	assert.deepEqual(await listeners(service), []);
	assert.equal(
		await read(service, "cat", "/proc/net/udp", "/proc/net/raw").then((all) => all.trim().split("\n").length),
		2,
		"two headings",
	);
	const sockets = (await read(service, "cat", "/proc/net/unix"))
		.split("\n")
		.filter((line) => /\s[/@]\S*$/.test(line))
		.map((line) => line.split(" ").at(-1));
	assert.deepEqual(sockets, ["/tmp/lastcall.sock"]);
	const owner = await read(service, "stat", "-c", "%a %U %F", "/tmp/lastcall.sock");
	assert.equal(owner, "600 node socket\n");
});

test("the socket is closed to another user, and open to root", async () => {
	await using service = await runService({ jobs: { steady } });
	await untilServed(service, "/tmp/lastcall.sock");
	const as = (user: string) => docker(["exec", `--user=${user}`, service.container.name, "lastcall", "status"]);
	const other = await as("12345:12345");
	assert.equal(other.code, 1, other.stdout);
	assert.match(other.stderr, /\/tmp\/lastcall\.sock \(EACCES\)/);
	for (const user of ["0:0", "node"]) assert.equal((await as(user)).code, 0, user);
});

test("HTTP listens on the loopback interface unless it is told otherwise, and takes no commands", async () => {
	const jobs = { steady };
	await using service = await runService({ http: { port: 9000 }, jobs });
	await service.container.waitForLine(/steady: running/, READY);
	assert.deepEqual(await listeners(service), ["0100007F:2328"]);
	const ask = `fetch("http://127.0.0.1:9000/jobs/steady/stop", {method: "POST"}).then(({status}) => console.log(status))`;
	assert.equal(await read(service, "node", "-e", ask), "403\n");
});

test("the socket of a job that says when it is ready lies in a folder that opens to no other user", async () => {
	const script = `stat -c "folder %a %U" "$(dirname "$NOTIFY_SOCKET")"; exec sleep 1000`;
	await using service = await runService({ jobs: { it: { command: ["sh", "-c", script], readiness: "notify" } } });
	const line = await service.container.waitForLine(/^folder /, READY);
	assert.equal(line, "folder 700 node");
});

/** What test/fixtures/programs/intruder.cjs has found out. */
async function intrude(service: Service) {
	const line = await service.container.waitForLine(/"readsInit"/, READY);
	return JSON.parse(line);
}

const SECRETS = { SECRET: "of-the-init" };
const neighbour = { ...steady, env: { OTHER: "of-the-neighbour" } };
const victim = { ...program("waiting.sh", "victim"), essential: false };

const intruder = program("intruder.cjs");
const intrusion = (socket: string) => ({ INTRUDER_SOCKET: socket });

for (const [kind, how] of [
	["process", intruder],
	["thread", { thread: "/app/jobs/intruding.ts" }],
] as const) {
	test(`a ${kind} reads the environment of the init and of other jobs, commands them, and stops the service; SIGKILL and SIGSTOP do not reach PID 1`, async () => {
		const env = { ...intrusion("/tmp/lastcall.sock"), INTRUDER_STOPS: "1" };
		await using service = await runService(
			{
				jobs: {
					neighbour,
					victim,
					// The socket is there only a moment after the jobs.
					waiting: {
						command: ["sh", "-c", "until test -S /tmp/lastcall.sock; do sleep 0.05; done"],
						readiness: "exit",
					},
					intruder: { ...how, env, dependsOn: ["waiting"] },
				},
			},
			[],
			SECRETS,
		);
		const found = await intrude(service);
		const { readsOwnSecret, readsInit, readsNeighbour, sendsKill, sendsStop, commands } = found;
		assert.equal(readsOwnSecret, "of-the-init");
		assert.ok(readsInit === true && readsNeighbour);
		assert.deepEqual([sendsKill, sendsStop, commands], [true, true, 200]);
		assert.equal(await service.container.wait(60_000), 0);
	});
}

test("a hardened container leaves a job no capability and no way to one", async () => {
	await using service = await runService(
		{ jobs: { steady, victim, intruder: { ...intruder, env: intrusion("/dev/shm/lastcall.sock") } } },
		HARDENED,
	);
	const { capabilities, bounding, noNewPrivileges, becomesRoot } = await intrude(service);
	assert.deepEqual(
		[capabilities, bounding, noNewPrivileges, becomesRoot],
		["0000000000000000", "0000000000000000", "1", "EPERM"],
	);
	await service.container.stop();
	assert.equal(await service.container.exitCode(), 0);
});

test("a job that runs as another user than the init can neither read its environment, nor command or signal it", async () => {
	const other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
	await using service = await runService(
		{
			jobs: {
				neighbour,
				victim,
				intruder: { command: [...other, ...intruder.command], env: intrusion("/run/lastcall.sock") },
			},
		},
		["--user=0"],
		SECRETS,
	);
	await untilServed(service, "/run/lastcall.sock");
	const found = await intrude(service);
	const { readsInit, readsNeighbour, sendsKill, commands } = found;
	assert.deepEqual(
		{ readsInit, readsNeighbour, sendsKill, commands },
		{ readsInit: "EACCES", readsNeighbour: false, sendsKill: "EPERM", commands: found.commands },
	);
	assert.match(String(commands), /^E(ACCES|NOENT)$/);
	await service.container.stop();
	assert.equal(await service.container.exitCode(), 0);
});

test("a thread can end the whole process: the others get no clean shutdown, and the exit code is the thread's choice", async () => {
	await using service = await runService({
		jobs: {
			waiting: { thread: "/app/jobs/waiting.ts", readiness: "notify" },
			down: { thread: "/app/jobs/taking-all-down.ts", dependsOn: ["waiting"] },
		},
	});
	assert.equal(await service.container.wait(60_000), 7);
	const { stdout } = await service.container.logs();
	assert.doesNotMatch(stdout, /clean shutdown|stop\.finished/);
});

test("the environment is shown by no command, log, metric, or report; arguments are", async () => {
	const deaf = { ...program("deaf.sh", "of-the-arguments"), stopTimeout: "500ms", env: { OTHER: "of-the-neighbour" } };
	await using service = await runService({ http: { port: 9000 }, logLevel: "trace", jobs: { deaf } }, [], SECRETS);
	await service.container.waitForLine(/deaf: running/, READY);
	await untilServed(service, "/tmp/lastcall.sock");
	const metrics = `fetch("http://127.0.0.1:9000/metrics").then((r) => r.text()).then(console.log)`;
	const shown = [
		await read(service, "lastcall", "status"),
		await read(service, "lastcall", "status", "--json"),
		await read(service, "node", "-e", metrics),
		await read(service, "lastcall", "check", "/service/lastcall.config.json"),
	];
	for (const text of shown) assert.match(text, /deaf/);
	await service.container.stop();
	assert.equal(await service.container.exitCode(), 124);
	const { stdout, stderr } = await service.container.logs();
	const all = [...shown, stdout, stderr].join("\n");
	assert.doesNotMatch(all, /of-the-init|of-the-neighbour/);
	assert.match(shown[3] ?? "", /of-the-arguments/, "in the plan");
	assert.match(stdout, /"command":"[^"]*of-the-arguments/, "in the report");
});

test("with output: log nothing that a process prints can pass for the init's own log; with inherit it can", async () => {
	await using service = await runService({
		jobs: { logged: { ...program("forging.sh"), output: "log" }, inherited: program("forging.sh") },
	});
	await service.container.waitForLine(/"job":"logged".*forging: running/, READY);
	await service.container.waitForLine(/^forging: running/, READY);
	await service.container.stop();
	const lines = (await service.container.logs()).stdout.trimEnd().split("\n");
	const logged = lines.filter((line) => line.includes('"job":"logged"') && !line.includes('"event":'));
	assert.deepEqual(
		logged.map((line) => JSON.parse(line).event_),
		["stop.finished", undefined, undefined],
		"an object stays one, with its event moved aside; what is no JSON becomes text",
	);
	for (const line of logged) assert.ok(!line.includes("\x1b"), "no escape sequence");
	const forged = lines.filter((line) => line.includes("forged"));
	assert.equal(forged.length, 2);
	assert.equal(parseEvents(forged).length, 1, "the one that passes untouched is not to be told from ours");
});

test("lastcall status prints no control character of a job's error message", async () => {
	await using service = await runService({
		jobs: { steady, odd: { thread: "/app/jobs/throwing-escapes.ts", essential: false } },
	});
	await service.container.waitForLine(/"event":"job.exited","job":"odd"/, READY);
	await untilServed(service, "/tmp/lastcall.sock");
	const table = await read(service, "lastcall", "status");
	assert.ok(!table.includes("\x1b"));
	assert.match(table, /^odd .*\\u001b\[2J.*\\u0007\\u000asteady {2}ready$/m);
	assert.equal(table.trimEnd().split("\n").length, 5);
});

const page = readFileSync(join(ROOT, "docs/security.md"), "utf8");
const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));

test("docs/security.md names every package, and only those", () => {
	const { dependencies, optionalDependencies } = json("package.json");
	const [, table = ""] = page.split("## Supply chain");
	const named = [...table.matchAll(/^\| `([\w@/-]+)`/gm)].map(([, name]) => name);
	const all = new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...INLINED, ...PACKAGES]);
	assert.deepEqual(named.sort(), [...all].sort());
});

interface LockedPackage {
	readonly version?: string;
	readonly resolved?: string;
	readonly integrity?: string;
	readonly dev?: boolean;
	readonly link?: boolean;
	readonly hasInstallScript?: boolean;
}

test("each lock file has a checksum for every package, from a registry and nowhere else", () => {
	for (const path of [
		"package-lock.json",
		"scripts/toolchain/package-lock.json",
		"scripts/toolchain/older/package-lock.json",
		"scripts/toolchain/managers/package-lock.json",
		"bench/peers/package-lock.json",
	]) {
		const packages: [string, LockedPackage][] = Object.entries(json(path).packages);
		assert.ok(packages.length > 3, path);
		for (const [name, { resolved = "", integrity, link }] of packages) {
			// npm bundles its own; the rest of a workspace has no name.
			if (name === "" || link || /node_modules\/npm\/node_modules/.test(name)) continue;
			assert.match(integrity ?? "", /^sha512-/, name);
			assert.doesNotMatch(resolved, /^(git|file|http:)/, name);
		}
	}
});

test("of what users install only koffi, which is optional, has an install script", () => {
	const packages: [string, LockedPackage][] = Object.entries(json("package-lock.json").packages);
	const scripted = packages.filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev).map(([name]) => name);
	assert.deepEqual(scripted, ["node_modules/koffi"]);
	assert.ok(json("package.json").optionalDependencies.koffi);
	const own = Object.keys(json("package.json").scripts);
	assert.deepEqual(
		own.filter((name) => /^(pre|post)?install$|^prepare$/.test(name)),
		[],
	);
});

test("the image is built without running any install script", () => {
	const installs = readFileSync(join(ROOT, "Dockerfile"), "utf8").match(/npm (ci|install)[^\n]*/g);
	assert.equal(installs?.length, 2);
	for (const install of installs) assert.match(install, /npm ci .*--ignore-scripts/);
});

test("the toolchain is pinned to exact versions", () => {
	for (const path of ["scripts/toolchain", "scripts/toolchain/older", "scripts/toolchain/managers"]) {
		const { dependencies, optionalDependencies } = json(`${path}/package.json`);
		const versions = Object.values<string>({ ...dependencies, ...optionalDependencies });
		assert.ok(versions.length > 2, path);
		for (const version of versions) assert.match(version, /(^|@)\d+\.\d+\.\d+$/);
	}
});

test("docs/security.md ties each claim to a test that exists", () => {
	const notes = [...page.matchAll(/^\[\^([\w-]+)\]: `([^`]+)`: (.+)$/gm)];
	assert.ok(notes.length > 20, `found ${notes.length}`);
	for (const [, note, file = "", title = ""] of notes)
		assert.ok(
			titlesIn(file).some((isCalled) => isCalled(title)),
			`[^${note}]: no test of ${file} is called: ${title}`,
		);
	const defined = notes.map(([, note]) => note);
	const used = [...page.matchAll(/\[\^([\w-]+)\](?!:)/g)].map(([, note]) => note);
	assert.deepEqual([...new Set(used)].sort(), defined.sort());
});

/** What the tests of a file are called; `${…}` may be anything. */
function titlesIn(file: string): ((title: string) => boolean)[] {
	const path = join(ROOT, file);
	const source = existsSync(path) ? readFileSync(path, "utf8") : "";
	const titles = source.matchAll(/\btest\(\s*(["`])((?:\\.|(?!\1).)+)\1/g);
	return [...titles].map(([, , written = ""]) => {
		const parts = written.replaceAll("\\", "").split(/\$\{.*?\}/);
		const [first = "", last = ""] = [parts[0], parts.at(-1)];
		return parts.length === 1 ? (title) => title === first : (title) => title.startsWith(first) && title.endsWith(last);
	});
}
