// An app with jobs beside it: start-jobs.mjs CONFIG.
import { readFileSync } from "node:fs";
import { startJobs } from "../../../dist/index.js";

await startJobs(JSON.parse(readFileSync(process.argv[2], "utf8")));
