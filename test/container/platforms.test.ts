/** Images of another kind: without a shell, with an old C library, read-only, for a user who has no name. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { type Container, HARDENED, runContainer, runToEnd } from "../helpers/docker.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { bareImage, noOldLibc } from "../helpers/images.ts";

const MAIN = ["node", "/app/node_modules/lastcall/dist/main.cjs"];
const READY = { timeout: 60_000 };

/** As OpenShift runs containers: any user, in the group of root. */
const RANDOM_USER = ["--user=1000650000:0", ...HARDENED];

for (const major of [26, 24] as const)
	for (const [what, libc, skip] of [
		["without a shell", "bare", false],
		["without a shell, with glibc 2.31", "other-libc", noOldLibc],
	] as const)
		suite(`in an image ${what}, on Node.js ${major}`, { skip }, () => {
			let image: string;
			before(
				async () => {
					image = await bareImage(libc, major);
				},
				{ timeout: 300_000 },
			);

			test("there is none, and lastcall says so by the name that it looked for", async () => {
				const { code, stderr } = await runToEnd({ image, args: ["--", "sh", "-c", "echo no"] });
				assert.deepEqual([code, /sh/.test(stderr)], [127, true], stderr);
			});

			test("lastcall run works for a user without a name, reaps, answers status, finds a late job's place, and stops", async () => {
				await using container = await runContainer({ image, args: ["run", "service.json"], flags: RANDOM_USER });
				for (const job of ["thread", "late", "process"])
					await container.waitForLine(new RegExp(`"event":"job.ready","job":"${job}"`), READY);
				const status = await container.exec([...MAIN, "status"]);
				assert.equal(status.code, 0, status.stderr);
				assert.match(status.stdout, /^process {2}ready/m);
				assert.equal(await zombiesIn(container), "0\n");
				await container.stop();
				const { stdout, stderr } = await container.logs();
				assert.equal(await container.exitCode(), 124, stdout + stderr);
				for (const job of ["thread", "process"]) assert.match(stdout, new RegExp(`${job}: clean shutdown`));
				const events = parseEvents((stdout + stderr).split("\n"));
				const { role, binding } = findEvent(events, "init.started");
				assert.deepEqual([role, binding], ["init", major === 26 ? "node:ffi" : "koffi"]);
				// On a starved machine the thread gives no answer in time: then only its state is known.
				const place = /"where":\{"type":("javascript".*"late","file":"\/app\/late.mjs"|"native","state":"R")/;
				assert.match(JSON.stringify(findEvent(events, "stop.finished").report), place);
			});

			test("in place of tini: signals are passed on, and the code is the program's", async () => {
				await using container = await runContainer({ image, args: ["--", "node", "process.mjs"], flags: RANDOM_USER });
				await container.waitForLine(/^process: up$/, READY);
				await container.stop();
				const { stdout, stderr } = await container.logs();
				assert.deepEqual([await container.exitCode(), stderr], [9, ""]);
				assert.match(stdout, /^process: clean shutdown$/m);
			});

			test("an app whose event loop is blocked at the stop is ended by the guard", async () => {
				await using container = await runContainer({
					image,
					args: ["--import", "lastcall/register", "blocking.mjs"],
					flags: ["--entrypoint=node", ...RANDOM_USER],
					env: { LASTCALL_STOP_TIMEOUT: "2s" },
				});
				await container.waitForLine(/^up$/, READY);
				await container.stop(30);
				const { stderr } = await container.logs();
				assert.equal(await container.exitCode(), 124, stderr);
				assert.match(stderr, /Stop handler "blocking" blocks the event loop/);
			});
		});

/** Counted by Node.js: there is no other program. */
async function zombiesIn(container: Container): Promise<string> {
	const count = `const { readdirSync, readFileSync } = require("node:fs");
		const states = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
			try { return readFileSync("/proc/" + pid + "/stat", "utf8").split(") ").pop()[0]; } catch {}
		});
		console.log(states.filter((state) => state === "Z").length)`;
	return (await container.exec(["node", "--eval", count])).stdout;
}
