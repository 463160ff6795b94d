// A worker that needs three seconds to finish what it has begun.
function finish() {
	console.log("slow: finished");
	process.exit(0);
}

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => setTimeout(finish, 3_000));
setInterval(() => {}, 60_000);
console.log("slow: working");
