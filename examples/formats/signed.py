"""A worker that takes what is signed by Standard Webhooks alone.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
import base64
import hashlib
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))


def verified(headers, body):
    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    mac = hmac.new(KEY, f"{id}.{stamp}.".encode() + body, hashlib.sha256)
    want = "v1," + base64.b64encode(mac.digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")  # several, while keys are rotated
    return any(hmac.compare_digest(want.encode(), one.encode()) for one in given)


class Worker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not verified(self.headers, body):
            return self.send_error(401)
        print(f"worker: verified {body.decode()}", flush=True)
        self.send_response(204)
        self.end_headers()


host, _, port = os.environ.get("WORKER_ADDRESS", "127.0.0.1:9000").rpartition(":")
server = ThreadingHTTPServer((host, int(port)), Worker)
print(f"worker: listening at http://{host}:{server.server_port}", flush=True)
server.serve_forever()
