# Five images from one file:
#
#   docker build .                   carrier
#   docker build --target sqs .      carrier without Pub/Sub
#   docker build --target devsqs .   the small SQS server of examples/compose
#   docker build --target worker .   the example worker
#   docker build --target build .    what they are built in
#
# GO is the image to build in: any that has Go 1.26, a shell and the CA bundle in
# Debian's place.
ARG GO=golang:1.26

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG COMMIT=unknown
# Build tags: nosqs, nopubsub, nonats and noingest each leave a receiver out; otel adds OpenTelemetry.
ARG TAGS=""
# An empty platform, which the older builder leaves, is the machine's own.
ARG TARGETOS
ARG TARGETARCH
# LEAN leaves out what carrier does not use: gRPC's trace pages, which alone bring 4 MB,
# and net/http's own HTTP/2 (gRPC has another).
ENV LEAN=grpcnotrace,nethttpomithttp2
# What the Makefile calls COLD is compiled without inlining, as there.
ENV CGO_ENABLED=0 GOFLAGS="-buildvcs=false -trimpath \
      -gcflags=github.com/aws/...=-l -gcflags=github.com/klauspost/...=-l -gcflags=regexp/...=-l \
      -gcflags=text/...=-l -gcflags=encoding/gob=-l -gcflags=encoding/xml=-l -gcflags=encoding/asn1=-l -gcflags=crypto/tls/...=-l -gcflags=crypto/x509/...=-l \
      -gcflags=math/big=-l -gcflags=github.com/coder/...=-l \
      -gcflags=github.com/VictoriaMetrics/...=-l -gcflags=github.com/nats-io/nkeys=-l -gcflags=go.uber.org/...=-l -gcflags=vendor/...=-l \
      -gcflags=encoding/json=-l -gcflags=fmt=-l -gcflags=mime/...=-l \
      -gcflags=carrier/internal/deadletter/...=-l -gcflags=carrier/.../deadletters=-l -gcflags=carrier/internal/queue/filecheck=-l \
      -gcflags=carrier/internal/route/...=-l -gcflags=carrier/receiver/builtin=-l \
      -gcflags=carrier/internal/observe/admin=-l -gcflags=carrier/internal/observe/page=-l -gcflags=carrier/internal/top=-l -gcflags=carrier/receiver/preflight=-l \
      -gcflags=carrier/receiver/sqs/environment=-l -gcflags=carrier/receiver/ingest/queued/...=-l -gcflags=carrier/internal/egress=-l -gcflags=carrier/internal/standardwebhooks=-l \
      -gcflags=carrier/config/...=-l -gcflags=carrier/transmitter/handoff/...=-l -gcflags=carrier=-l \
      -gcflags=github.com/aws/aws-sdk-go-v2/aws/signer/...="
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -tags "${LEAN},${TAGS}" -o /out/ \
      -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" \
      . ./internal/testkit/sqstest/devsqs ./examples/worker-go \
 && mkdir /out/data

# The stage before left what it compiled, so that little more than the link is done here.
FROM build AS build-sqs
ARG VERSION=dev
ARG COMMIT=unknown
ARG TAGS=""
ARG TARGETOS
ARG TARGETARCH
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -tags "${LEAN},nopubsub,${TAGS}" -o /out/carrier \
      -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" .

FROM scratch AS devsqs
COPY --from=build /out/devsqs /devsqs
USER 65532:65532
ENV DEVSQS_ADDRESS=0.0.0.0:9324
EXPOSE 9324
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/devsqs", "health"]
ENTRYPOINT ["/devsqs"]
LABEL org.opencontainers.image.title="devsqs" \
      org.opencontainers.image.description="An SQS server in memory, for trying things out" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM scratch AS worker
COPY --from=build /out/worker-go /worker-go
USER 65532:65532
ENV WORKER_ADDRESS=0.0.0.0:9000
EXPOSE 9000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/worker-go", "health"]
ENTRYPOINT ["/worker-go"]
LABEL org.opencontainers.image.title="carrier's example worker" \
      org.opencontainers.image.description="Prints each message that carrier posts to it" \
      org.opencontainers.image.licenses="Apache-2.0"

# What every carrier is but for the program.
FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# The embedded queue's directory is made here, in carrier-data. A named volume that is
# mounted here takes over the owner; without one the messages go with the container.
COPY --from=build --chown=65532:65532 /out/data /var/lib/carrier
WORKDIR /var/lib/carrier
USER 65532:65532
EXPOSE 8080 9010
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["/carrier", "health"]
ENTRYPOINT ["/carrier"]
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="carrier" \
      org.opencontainers.image.description="Takes messages from a queue and posts each to the worker beside it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"

FROM base AS sqs
COPY --from=build-sqs /out/carrier /carrier

# The last one is what is built unless another is named.
FROM base AS carrier
COPY --from=build /out/carrier /carrier
