// A job of Bree: waits for its message, and answers it.
import { parentPort } from "node:worker_threads";
import { stamp } from "./stamp.mjs";

parentPort.on("message", (message) => {
	if (message !== "cancel") return;
	parentPort.postMessage("cancelled");
});
stamp();
