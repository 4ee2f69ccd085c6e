// Runs a Lambda function for an SQS queue, with partial batch responses, beside carrier.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

// The function, as it is deployed.
async function handler(event) {
  const batchItemFailures = [];
  for (const record of event.Records) {
    try {
      const color = record.messageAttributes.Color?.stringValue ?? "";
      console.log(`worker: ${record.eventSource} ${color} order ${JSON.parse(record.body).order}`);
    } catch (error) {
      console.log(`worker: cannot do ${record.messageId}: ${error.message}`);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

const [host, port] = (process.env.WORKER_ADDRESS ?? "127.0.0.1:9000").split(":");

const server = createServer(async (request, response) => {
  const answer = await handler(await json(request));
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
});

server.listen(Number(port), host, () => console.log(`worker: listening at http://${host}:${server.address().port}`));
process.on("SIGTERM", () => server.close());
