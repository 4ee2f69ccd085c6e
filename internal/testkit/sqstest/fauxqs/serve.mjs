// Serves fauxqs on a free port of 127.0.0.1 only (its own command listens everywhere),
// says where on the first line of stdout, and ends on SIGTERM or when stdin is closed,
// so that it does not outlive the test that started it.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
const end = () => app.close().then(() => process.exit(0));
process.on("SIGTERM", end);
process.stdin.on("end", end).resume();
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
