/**
 * `npm start`: the main job. Runs examples/jobs in a container, as users do; where no Docker engine answers, directly.
 * Ctrl-C stops it. Arguments go to `lastcall run`.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
	type Engine,
	engineEnv,
	ensureBaseImage,
	ensureEngine,
} from "./engine.ts";
import { run } from "./lib/command.ts";
import { root } from "./lib/paths.ts";

const IMAGE = "lastcall-example";

const args = ["run", ...process.argv.slice(2)];
const engine = await ensureEngine();
process.exitCode =
	"reason" in engine
		? await startHere(engine.reason)
		: await startInContainer(engine);

async function startInContainer(engine: Engine): Promise<number> {
	await ensureBaseImage(engine, 26);
	const env = engineEnv(engine);
	// The private engine has no bridge: only the host's network reaches a registry while building.
	const network = engine.private ? ["--network", "host"] : [];
	const build = ["build", "--quiet", ...network, "--tag", IMAGE, root];
	say("building the image");
	const { code, stdout, stderr } = await run(engine.client, build, {
		env,
		timeout: 600_000,
	});
	if (code !== 0) {
		say(`cannot build the image:\n${stdout}${stderr}`);
		return code;
	}
	const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
	say("running examples/jobs in a container; Ctrl-C stops it");
	return attach(
		engine.client,
		[
			"run",
			"--rm",
			...(isTerminal ? ["--interactive", "--tty"] : []),
			"--network=none",
			"--read-only",
			"--cap-drop=ALL",
			"--security-opt=no-new-privileges",
			IMAGE,
			...args,
		],
		env,
	);
}

async function startHere(reason: string): Promise<number> {
	const main = join(root, "src/main.ts");
	const node = [
		process.execPath,
		"--disable-warning=ExperimentalWarning",
		main,
	];
	const namespace = ["unshare", "--pid", "--fork", "--mount-proc"];
	// Only root may make a PID namespace without a user namespace, and then not everywhere.
	const asInit =
		process.getuid?.() === 0 &&
		(await run("unshare", [...namespace.slice(1), "true"])).code === 0;
	say(reason);
	say(
		`running examples/jobs directly instead, ${asInit ? "as PID 1 of a PID namespace of its own" : "as a child subreaper"}; Ctrl-C stops it`,
	);
	const [command = "", ...rest] = asInit ? [...namespace, ...node] : node;
	return attach(command, [...rest, ...args], {}, join(root, "examples/jobs"));
}

/** Runs a command in our place: its streams, its exit code; it gets Ctrl-C from the terminal itself, and SIGTERM from us. */
function attach(
	command: string,
	args: readonly string[],
	env: NodeJS.ProcessEnv,
	cwd?: string,
): Promise<number> {
	const child = spawn(command, args, {
		stdio: "inherit",
		env: { ...process.env, ...env },
		...(cwd !== undefined && { cwd }),
	});
	process.on("SIGINT", () => {});
	process.on("SIGTERM", () => {
		// unshare(1) keeps signals to itself: the init is its child.
		for (const pid of [child.pid, ...childrenOf(child.pid)])
			if (pid !== undefined) process.kill(pid, "SIGTERM");
	});
	return new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("exit", (code) => resolve(code ?? 1));
	});
}

function childrenOf(pid: number | undefined): number[] {
	const file = `/proc/${pid}/task/${pid}/children`;
	if (!existsSync(file)) return [];
	return readFileSync(file, "utf8")
		.split(" ")
		.filter((pid) => pid !== "")
		.map(Number);
}

function say(text: string): void {
	console.error(`lastcall: ${text}`);
}
