#!/usr/bin/env bash
# A worker that is a loop around curl: it takes one message at a time, works on its file, and says
# what became of it. PULL_URL is carrier's worker address.
carrier=${PULL_URL:-http://127.0.0.1:9020}
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# work is where yours goes: $1 is a file with the message's body. What fails comes again after a
# backoff.
work() { echo "worked on $(cat "$1")"; }

while :; do
  # Where nothing came in time the answer is 204, and has no token; without carrier there is none.
  head=$(curl -sf -D - -o "$body" "$carrier/v1/next?wait=20s") || { sleep 1; continue; }
  token=$(printf '%s' "$head" | tr -d '\r' | awk 'tolower($1) == "x-carrier-token:" {print $2}')
  [ -n "$token" ] || continue
  verdict=retry
  work "$body" && verdict=ack
  # 504 says that the queue has not agreed yet, and may be asked again with the same token.
  curl -sf --retry 5 -X POST "$carrier/v1/messages/$token/$verdict" || echo "not settled: $verdict" >&2
done
