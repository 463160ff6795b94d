/** The image of README.md's Dockerfile, built and used as the documentation says. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { runContainer, runToEnd } from "../helpers/docker.ts";
import { readmeImage } from "../helpers/readme-image.ts";
import { until } from "../helpers/until.ts";

let image: string;
before(
	async () => {
		image = await readmeImage();
	},
	{ timeout: 600_000 },
);

test("README.md's image is healthy, answers docker exec, and stops cleanly", async () => {
	await using container = await runContainer({ image, flags: ["--health-interval=1s"] });
	await container.waitForLine(/Job web is ready/, { timeout: 60_000 });
	const status = await container.exec(["lastcall", "status"]);
	assert.match(status.stdout, /process 1, .*, ready$/m);
	assert.equal(status.code, 0);
	await until(
		async () => (await container.inspect()).State.Health?.Status === "healthy",
		"the container is healthy",
		60_000,
	);
	await container.stop();
	assert.equal(await container.exitCode(), 0);
	const { stdout } = await container.logs();
	assert.match(stdout, /Job web exited with code 0/);
	assert.match(stdout, /"job":"mailer",.*"msg":"closed"/);
	assert.match(stdout, /2 of 2 jobs joined/);
});

test('ENTRYPOINT ["lastcall", "--"] runs a program in its place', async () => {
	const args = ["--", "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; exit 7"];
	const { stdout, code } = await runToEnd({ image, args });
	assert.match(stdout, /^node \/app\/node_modules\/\.bin\/lastcall -- sh /);
	assert.equal(code, 7);
});

test("a subcommand after the entry point is lastcall's", async () => {
	const { stdout, code } = await runToEnd({ image, args: ["check"] });
	assert.match(stdout, /^\/app\/lastcall\.config\.mts is fine$/m);
	assert.equal(code, 0);
});
