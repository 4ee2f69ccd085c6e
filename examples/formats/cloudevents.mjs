// Takes CloudEvents in binary mode: the attributes are headers, the body is the data.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const [host, port] = (process.env.WORKER_ADDRESS ?? "127.0.0.1:9000").split(":");

const server = createServer(async (request, response) => {
  const event = { data: await text(request) };
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith("ce-")) event[name.slice(3)] = decodeURIComponent(value);
  }
  if (event.specversion !== "1.0" || !event.id || !event.source || !event.type) {
    response.writeHead(400).end("no CloudEvent");
    return;
  }
  console.log(`worker: ${event.type} from ${event.source}: ${event.subject ?? ""} ${event.data}`);
  response.writeHead(204).end();
});

server.listen(Number(port), host, () => console.log(`worker: listening at http://${host}:${server.address().port}`));
process.on("SIGTERM", () => server.close());
