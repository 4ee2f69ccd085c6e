// A Lambda function for an SQS queue, as it is deployed. It lists what it cannot read as failed, and
// fails altogether at order 0.
export async function handler(event) {
  const batchItemFailures = [];
  for (const record of event.Records) {
    const order = read(record.body);
    if (order === undefined) {
      console.log(`worker: cannot do ${record.body}`);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    } else if (order === 0) {
      throw new Error("there is no order 0");
    } else {
      console.log(`worker: order ${order}, one of ${event.Records.length}`);
    }
  }
  return { batchItemFailures };
}

function read(body) {
  try {
    return JSON.parse(body).order;
  } catch {
    return undefined;
  }
}
