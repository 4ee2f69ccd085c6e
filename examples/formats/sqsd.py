"""A worker of an Elastic Beanstalk worker environment.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
"""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Worker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not self.headers["User-Agent"].startswith("aws-sqsd/"):
            return self.send_error(403)
        task = self.headers.get("X-Aws-Sqsd-Taskname")  # of cron.yaml; else it is a message
        what = f"task {task}" if task else f"message {self.headers['X-Aws-Sqsd-Msgid']}"
        print(f"worker: {what}, color {self.headers.get('X-Aws-Sqsd-Attr-Color')}: {body}", flush=True)
        self.send_response(200)  # the daemon deletes the message at 200 alone
        self.send_header("Content-Length", "0")
        self.end_headers()


host, _, port = os.environ.get("WORKER_ADDRESS", "127.0.0.1:9000").rpartition(":")
server = ThreadingHTTPServer((host, int(port)), Worker)
print(f"worker: listening at http://{host}:{server.server_port}", flush=True)
server.serve_forever()
