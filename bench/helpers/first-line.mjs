// Says when its first line ran, as first.c does, and stays.
const now = process.hrtime.bigint();
process.getBuiltinModule("node:fs").appendFileSync(process.env.STAMP, `${now}\n`);
setInterval(() => {}, 1_000_000);
