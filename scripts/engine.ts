/** `npm run engine -- start|stop|status|image`: the engine and base images of the container tests, by hand. */
import { dockerdPid, privateHost } from "./lib/dockerd.ts";
import { type Engine, ensureEngine, stopEngine } from "./lib/engine.ts";
import { ensureAlpineImage, ensureBaseImage, ensureDebianImage } from "./lib/images.ts";
import { runScript } from "./lib/script.ts";

export {
	type Engine,
	engineEnv,
	ensureEngine,
	type NoEngine,
	stopEngine,
	withEngine,
} from "./lib/engine.ts";
export {
	type BaseImage,
	ensureAlpineImage,
	ensureBaseImage,
	ensureDebianImage,
} from "./lib/images.ts";

async function main(command: string | undefined): Promise<number> {
	switch (command) {
		case "start":
			return onEngine(describe);
		case "image":
			return onEngine(async (engine) => {
				for (const image of [
					await ensureDebianImage(engine),
					await ensureBaseImage(engine, 26),
					await ensureBaseImage(engine, 24),
					await ensureAlpineImage(engine),
				]) {
					if (image) console.log(`${image.name}: ${image.origin}`);
				}
			});
		case "stop":
			console.log((await stopEngine()) ? "Stopped the private engine" : "No private engine runs");
			return 0;
		case "status": {
			const pid = dockerdPid();
			console.log(
				pid === undefined ? "No private engine runs" : `Private engine: pid ${pid}, DOCKER_HOST=${privateHost}`,
			);
			return pid === undefined ? 1 : 0;
		}
		default:
			console.error(
				`Expected one of start, stop, status, image; found ${command === undefined ? "nothing" : `"${command}"`}`,
			);
			return 2;
	}
}

/** Asked for by hand, so an engine may be started; installing one still takes LASTCALL_ENGINE=install. */
async function onEngine(action: (engine: Engine) => void | Promise<void>): Promise<number> {
	const engine = await ensureEngine(true);
	if ("reason" in engine) {
		console.error(engine.reason);
		return 1;
	}
	await action(engine);
	return 0;
}

function describe(engine: Engine): void {
	console.log(
		engine.private
			? `Private engine: export DOCKER_HOST=${engine.host} DOCKER_BUILDKIT=0`
			: "An engine of your own answers; it is used as it is",
	);
}

if (import.meta.main) await runScript(() => main(process.argv[2]));
