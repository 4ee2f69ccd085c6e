"""An example worker in Python, without dependencies: python3 worker.py

It prints each message that carrier posts to it and answers 200. To try things out:
WORKER_ADDRESS, WORKER_LIMIT, WORKER_DELAY (seconds) and WORKER_STATUS.
"""
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT = int(os.environ.get("WORKER_LIMIT", 8))
DELAY = float(os.environ.get("WORKER_DELAY", 0))
STATUS = int(os.environ.get("WORKER_STATUS", 200))

lock = threading.Lock()
busy, done = set(), {}  # done is in the order of its making; the oldest go first


class Worker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps carrier's connections open
    timeout = 2  # seconds that a connection may idle; carrier drops it before that

    def do_GET(self):  # the health check
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # Delivery is at least once. What must never happen twice keeps the id in
        # its own database, in the transaction that does the work.
        id = self.headers.get("X-Carrier-Message-Id", "")
        with lock:
            before, full = id in done, id in busy or len(busy) >= LIMIT
            if not before and not full:
                busy.add(id)
        if before:
            print(f"worker: {id} was done before", flush=True)
            return self.answer(200)
        if full:  # the message comes back after a second
            return self.answer(429, {"Retry-After": "1"})
        try:
            print(f"worker: POST {self.path} {id} {body.decode(errors='replace')}", flush=True)
            time.sleep(DELAY)  # the work
        finally:
            with lock:
                busy.discard(id)
                if STATUS < 300 and id:
                    done[id] = True
                    if len(done) > 10_000:
                        del done[next(iter(done))]
        self.answer(STATUS)

    def answer(self, status, headers={}):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for the work under way


def main():
    host, _, port = os.environ.get("WORKER_ADDRESS", "127.0.0.1:9000").rpartition(":")
    server = Server((host, int(port)), Worker)
    stop = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"worker: listening at http://{host}:{server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()
    print("worker: stopped", flush=True)


if __name__ == "__main__":
    main()
