"""A worker that takes ten messages at once, works on several of them at a time, keeps the lease of
what takes long, and settles all of them in one request. It needs Python 3.9 or later and no package.
PULL_URL is carrier's worker address."""

import base64
import json
import os
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

CARRIER = os.environ.get("PULL_URL", "http://127.0.0.1:9020")
LEASE = 60  # seconds, extended while the work goes on


def work(body, message):
    """Is where yours goes. What it raises is a failed attempt, which comes again after a backoff."""
    # In one piece with its end: other threads print too.
    print(f"worked on {body.decode(errors='replace')} attempt {message['receiveCount']}\n", end="", flush=True)


def call(path, document=None):
    data = b"" if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(CARRIER + path, data), timeout=90) as answer:
        return json.loads(answer.read() or b"null")


def extend(token, done):
    while not done.wait(LEASE / 3):
        try:
            call(f"/v1/messages/{token}/extend?for={LEASE}s")
        except OSError as error:
            print("not extended:", error, flush=True)


def handle(message):
    token, done = message["token"], threading.Event()
    threading.Thread(target=extend, args=(token, done), daemon=True).start()
    try:
        body = message["body"].encode() if "body" in message else base64.b64decode(message.get("bodyBase64", ""))
        work(body, message)
        return {"token": token, "verdict": "ack"}
    except Exception as error:
        return {"token": token, "verdict": "retry", "reason": repr(error)}
    finally:
        done.set()


def main():
    with ThreadPoolExecutor(max_workers=10) as pool:
        while True:
            try:
                wish = {"max": 10, "wait": "20s", "lease": f"{LEASE}s"}
                verdicts = list(pool.map(handle, call("/v1/pull", wish)["messages"]))
                if not verdicts:
                    continue
                for result in call("/v1/settle", {"messages": verdicts})["results"]:
                    if not result["ok"]:
                        print("not settled:", result["error"], flush=True)
            except OSError:  # carrier drains, or is not there
                time.sleep(1)


if __name__ == "__main__":
    main()
