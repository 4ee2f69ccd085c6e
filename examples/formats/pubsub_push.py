"""The endpoint of a Pub/Sub push subscription.

https://cloud.google.com/pubsub/docs/push
"""
import base64
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Worker(BaseHTTPRequestHandler):
    def do_POST(self):
        envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = envelope["message"]
        data = base64.b64decode(message["data"]).decode()
        color = message.get("attributes", {}).get("Color")
        print(f"worker: {message['messageId']} of {envelope['subscription']}, color {color}: {data}", flush=True)
        self.send_response(204)  # acknowledges it
        self.end_headers()


host, _, port = os.environ.get("WORKER_ADDRESS", "127.0.0.1:9000").rpartition(":")
server = ThreadingHTTPServer((host, int(port)), Worker)
print(f"worker: listening at http://{host}:{server.server_port}", flush=True)
server.serve_forever()
