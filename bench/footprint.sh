#!/usr/bin/env bash
# footprint IMAGE VERSION: prints, as rows for the table of docs/images.md, what IMAGE:VERSION and
# IMAGE:VERSION-sqs take: the files, raw; the layers, compressed one by one with gzip as
# `docker push` does, and with zstd at 19 where that is installed; and the memory of a
# container that has waited for messages for 30 s. That is the working set, by which
# Kubernetes judges: what its control group uses, less the file pages that are idle.
# The queues are those of the example stacks, which have to be down.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=$1 version=$2
read -ra compose <<<"${COMPOSE:-docker compose}"
work=$(mktemp -d)
trap clean EXIT

clean() {
	docker rm --force carrier-footprint >/dev/null 2>&1 || true
	for stack in compose compose-pubsub; do
		"${compose[@]}" -f "examples/$stack/compose.yaml" down --volumes >/dev/null 2>&1 || true
	done
	rm -rf "$work"
}

mb() { awk '{ printf "%.2f MB", $1 / 1e6 }'; }

# layers writes each layer of an image to a file, uncompressed.
layers() {
	rm -rf "${work:?}"/*
	docker save "$1" | tar -x -C "$work"
	sed 's/.*"Layers":\[\([^]]*\)\].*/\1/' "$work/manifest.json" | tr -d '"' | tr , '\n' | sort -u | while read -r layer; do
		gzip -cdf "$work/$layer" >"$work/$(tr / - <<<"$layer").raw"
	done
}

# packed prints the sum of the layers' sizes, each through a command.
packed() {
	for layer in "$work"/*.raw; do "$@" <"$layer" | wc -c; done | awk '{ sum += $1 } END { print sum }' | mb
}

# idle prints the working set of a carrier that has nothing to do. The image's own health
# check is off: it is a second process for a moment, and Kubernetes does not run it.
idle() {
	local tag=$1 stack=$2
	shift 2
	docker run --detach --name carrier-footprint --no-healthcheck --network "${stack}_default" "$@" \
		--env CARRIER_WEBHOOK_ENDPOINT=http://worker:9000 --env CARRIER_CONCURRENCY=4 "$image:$tag" >/dev/null
	sleep 30
	docker logs carrier-footprint 2>&1 | grep -q '"source reached"'
	docker stats --no-stream --format '{{.MemUsage}}' carrier-footprint | sed 's,iB /.*,iB,; s/\([0-9]\)\([A-Z]\)/\1 \2/'
	docker rm --force carrier-footprint >/dev/null
}

on_sqs() {
	idle "$1" carrier-example --env CARRIER_SQS_QUEUE_NAME=orders --env CARRIER_SQS_ENDPOINT=http://devsqs:9324
}

on_pubsub() {
	idle "$1" carrier-pubsub-example --env CARRIER_PUBSUB_SUBSCRIPTION=projects/local/subscriptions/orders \
		--env CARRIER_PUBSUB_ENDPOINT=pubsub:8085
}

on_ingest() { idle "$1" carrier-example --env CARRIER_RECEIVER=ingest; }

# up starts services of an example stack, and waits until they are healthy.
up() {
	local stack=$1; shift
	"${compose[@]}" -f "examples/$stack/compose.yaml" up --build --detach --wait "$@" >&2
}

# row prints what the image with one tag takes; the rest are the queues to wait at.
row() {
	local tag=$1 queue memory=; shift
	layers "$image:$tag"
	for queue; do memory+=" $("on_$queue" "$tag") |"; done
	printf '| `%s` | %s | %s | %s |%s\n' "${tag/#$version/carrier:VERSION}" "$(packed cat)" "$(packed gzip)" \
		"$(command -v zstd >/dev/null && packed zstd -19 --quiet || echo ?)" "$memory"
}

on_nothing() { echo -; }

up compose devsqs worker
up compose-pubsub pubsub worker
"${compose[@]}" -f examples/compose-pubsub/compose.yaml run --rm topics >&2

echo '| image | raw | gzip | zstd -19 | idle on SQS | on ingest | on Pub/Sub |'
echo '|---|---|---|---|---|---|---|'
row "$version" sqs ingest pubsub
row "$version-sqs" sqs ingest nothing
