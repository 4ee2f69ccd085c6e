// An example worker in Node, without dependencies: node worker.mjs
//
// It prints each message that carrier posts to it and answers 200. To try things out:
// WORKER_ADDRESS, WORKER_LIMIT, WORKER_DELAY (seconds) and WORKER_STATUS.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const { WORKER_ADDRESS = "127.0.0.1:9000", WORKER_LIMIT = 8, WORKER_DELAY = 0, WORKER_STATUS = 200 } = process.env;

const busy = new Set();
const done = new Set(); // in the order of its making; the oldest go first

async function handle(request, response) {
  const body = await buffer(request);
  if (request.method === "GET") return response.end(); // the health check
  // Delivery is at least once. What must never happen twice keeps the id in its own
  // database, in the transaction that does the work.
  const id = request.headers["x-carrier-message-id"] ?? "";
  if (done.has(id)) {
    console.log(`worker: ${id} was done before`);
    return response.end();
  }
  if (busy.has(id) || busy.size >= Number(WORKER_LIMIT)) {
    return response.writeHead(429, { "Retry-After": "1" }).end(); // it comes back after a second
  }
  busy.add(id);
  try {
    console.log(`worker: ${request.method} ${request.url} ${id} ${body}`);
    await sleep(Number(WORKER_DELAY) * 1000); // the work
    if (Number(WORKER_STATUS) < 300 && id) done.add(id);
    if (done.size > 10_000) done.delete(done.values().next().value);
  } finally {
    busy.delete(id);
  }
  if (!server.listening) response.setHeader("Connection", "close"); // stopping
  response.writeHead(Number(WORKER_STATUS)).end();
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error("worker:", error.message);
    response.writeHead(500).end(); // it comes back after a while
  });
});

const [, host, port] = WORKER_ADDRESS.match(/^(.*):(\d+)$/);
server.listen(Number(port), host, () => console.log(`worker: listening at http://${host}:${server.address().port}`));

// close stops accepting, and waits for the answers under way.
const stop = () => server.close(() => console.log("worker: stopped"));
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
