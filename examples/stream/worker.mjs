// A worker that takes messages over a WebSocket, works on several at once and keeps the lease of what
// takes long. Node 22 or later; it needs no package.
const url = process.env.STREAM_URL ?? "ws://127.0.0.1:9020/v1/stream";
const most = Number(process.env.MOST ?? 20);

// work is where yours goes. What it throws is a failed attempt, which comes again after a backoff.
async function work(message) {
  const body = message.body ?? Buffer.from(message.bodyBase64, "base64");
  console.log("worked on", body, "attempt", message.receiveCount);
}

function connect() {
  const socket = new WebSocket(url, "carrier.v1");
  const say = (frame) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame));

  async function handle({ token, ...message }) {
    const extend = setInterval(() => say({ type: "extend", token }), 10_000);
    try {
      await work(message);
      say({ type: "ack", token });
    } catch (error) {
      say({ type: "retry", token, reason: String(error) });
    } finally {
      clearInterval(extend);
    }
  }

  socket.onopen = () => say({ type: "credit", most });
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    switch (frame.type) {
      case "message":
        void handle(frame);
        break;
      case "settled":
        if (!frame.ok) console.error("not settled:", frame.error);
        break;
      case "lost":
        console.error("a lease ended: the message comes again");
        break;
      case "error":
        console.error(frame.error);
    }
  };
  // After drain the next carrier at the address is waited for.
  socket.onclose = () => setTimeout(connect, 1000);
}

connect();
