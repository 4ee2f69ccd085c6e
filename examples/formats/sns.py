"""A worker that knows nothing of SNS: CARRIER_UNWRAP=sns has taken the envelope off."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Worker(BaseHTTPRequestHandler):
    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(f"worker: {self.headers.get('X-Carrier-Attribute-Color')} order {order['order']}", flush=True)
        self.send_response(204)
        self.end_headers()


host, _, port = os.environ.get("WORKER_ADDRESS", "127.0.0.1:9000").rpartition(":")
server = ThreadingHTTPServer((host, int(port)), Worker)
print(f"worker: listening at http://{host}:{server.server_port}", flush=True)
server.serve_forever()
