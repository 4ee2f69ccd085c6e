# `make` alone prints what can be made, from the comments behind the targets.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
TAGS     ?=
IMAGE    ?= carrier
RACE     ?= -race
FUZZTIME ?= 30s
CHAOS    ?= 10m
DAMAGE   ?= 2000
COMPOSE  ?= docker compose
EXAMPLE  ?= compose
WORKER   ?= go

STACK := $(COMPOSE) -f examples/$(EXAMPLE)/compose.yaml
# LEAN leaves out what carrier does not use: gRPC's trace pages, which alone bring 4 MB,
# and net/http's own HTTP/2 (gRPC has another).
LEAN  := grpcnotrace,nethttpomithttp2
# COLD is what no message passes through, or where inlining buys little (the ciphers of TLS are
# assembly, a consumer's message is a request or a frame of JSON, a line of the log is seldom): it
# is compiled without, which makes the program a fifteenth smaller. The SDK's signer signs each call, and is left as it is.
COLD  := github.com/aws/... github.com/klauspost/... regexp/... text/... encoding/gob encoding/xml encoding/asn1 \
         crypto/tls/... crypto/x509/... math/big github.com/coder/... github.com/VictoriaMetrics/... github.com/nats-io/nkeys go.uber.org/... vendor/... \
         encoding/json fmt mime/... carrier/config/... carrier/transmitter/handoff/... carrier/internal/deadletter/... carrier/.../deadletters \
         carrier/internal/queue/filecheck carrier/internal/route/... carrier/receiver/builtin carrier \
         carrier/internal/observe/admin carrier/internal/observe/page carrier/internal/top carrier/receiver/preflight \
         carrier/receiver/sqs/environment carrier/receiver/ingest/queued/... carrier/internal/egress carrier/internal/standardwebhooks
HOT   := github.com/aws/aws-sdk-go-v2/aws/signer/...
FLAGS := -trimpath $(COLD:%=-gcflags=%=-l) $(HOT:%=-gcflags=%=) -tags '$(LEAN),$(TAGS)' -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)'
IMAGEFLAGS := --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg TAGS=$(TAGS) $(BUILD)

# The tests that start programs: they run anew each time, because the test cache
# does not see what a program reads. Nor does it see what lies outside a module: the
# chart.
INTEGRATION := ^carrier/(test|examples)(/|$$)

# The linter is installed once for each version, through the Go module proxy.
LINT_VERSION := v2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)

# So are the two that check what a tag sets off. This GoReleaser is the one that releases;
# release_test.go checks the workflow against it.
GORELEASER_VERSION := v2.16.0
GORELEASER := bin/goreleaser-$(GORELEASER_VERSION)
ACTIONLINT_VERSION := v1.7.12
ACTIONLINT := bin/actionlint-$(ACTIONLINT_VERSION)

GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := bin/govulncheck-$(GOVULNCHECK_VERSION)

##@ Everyday

.PHONY: help
help: ## print this
	@awk 'BEGIN { FS = ":.*## "; print "usage: make TARGET [NAME=value]" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nvalues: VERSION=%s RACE=%s FUZZTIME=%s CHAOS=%s DAMAGE=%s IMAGE=%s TAGS=%s EXAMPLE=%s WORKER=%s COMPOSE="%s"\n' \
		'$(VERSION)' '$(RACE)' '$(FUZZTIME)' '$(CHAOS)' '$(DAMAGE)' '$(IMAGE)' '$(TAGS)' '$(EXAMPLE)' '$(WORKER)' '$(COMPOSE)'

.PHONY: build
build: ## compile ./carrier, as it is released
	CGO_ENABLED=0 go build $(FLAGS) -o carrier .

# The commands of the example workers, by WORKER.
WORKER_go     := bin/worker-go
WORKER_python := python3 examples/worker-python/worker.py
WORKER_node   := node examples/worker-node/worker.mjs

.PHONY: run
run: runnable build ## start carrier and the example worker WORKER (go, python, node); EXAMPLE=sqs receives from a local SQS server; Ctrl-C drains
	@mkdir -p bin
	@go build -o bin/ ./examples/worker-go ./examples/run ./internal/testkit/sqstest/devsqs
	@exec bin/run $(if $(filter sqs,$(EXAMPLE)),-sqs bin/devsqs) ./carrier $(WORKER_$(WORKER))

.PHONY: test
test: tools format vet tidy lint unit integration spans browser charts rules ## check everything: format, vet, lint, all tests
	@echo "make test: all checks passed"

##@ One check at a time

.PHONY: unit
unit: compiler build ## test each package, conformance suites and fuzz seeds included
	@echo "== unit and conformance tests"
	@go test $(RACE) -timeout 8m $$(go list ./... | grep -Ev '$(INTEGRATION)')
	@cd test/kube && go test $(RACE) ./...

.PHONY: integration
integration: compiler ## test the built program and the example workers
	@echo "== integration tests"
	@go test $(RACE) -timeout 8m -count 1 $$(go list ./... | grep -E '$(INTEGRATION)')

.PHONY: spans
spans: ## test what the build tag otel adds
	@echo "== OpenTelemetry (build tag otel)"
	@go test -tags otel -timeout 8m -count 1 ./internal/tracing ./test/otel

# Node's runtime of Lambda is compiled when it is installed, which takes some minutes: it is not part of
# make test, which tests the function in Node where the runtime is there.
.PHONY: lambda
lambda: compiler cmake ## test the example functions under AWS's own runtimes; Node's is compiled once
	@cd examples/lambda/node && { [ -d node_modules/aws-lambda-ric ] || npm ci --no-audit --no-fund; }
	@go test $(RACE) -count 1 -v -run TestLambdaFunctionsRunUnchanged ./examples

# Chromium is looked for under its usual names; CHROMIUM names another one.
.PHONY: browser
browser: chromium $(LINT) ## test the page of the admin port in a real browser: vet, tidy, lint and tests of test/browser
	@echo "== page, in a browser"
	@cd test/browser && go vet ./... && $(CURDIR)/$(LINT) run ./... && go test -count 1 ./...
	@cd test/browser && go mod tidy -diff || { echo "test/browser/go.mod is not tidy; go mod tidy there makes it so" >&2; exit 1; }

.PHONY: screenshot
screenshot: chromium ## take the README's picture of the page anew
	@cd test/browser && go test -count 1 -run Dark . -args -screenshot $(CURDIR)/docs/images/page.png

.PHONY: charts
charts: $(LINT) ## check the Helm chart, without a cluster: tidy, lint (which vets too) and tests of charts/test
	@echo "== chart"
	@cd charts/test && $(CURDIR)/$(LINT) run ./... && go test -count 1 ./...
	@cd charts/test && go mod tidy -diff || { echo "charts/test/go.mod is not tidy; go mod tidy there makes it so" >&2; exit 1; }

.PHONY: chartdocs
chartdocs: ## write what in charts/carrier is made from its values and from carrier's variables
	@cd charts/test && go run ./generate

.PHONY: rules
rules: $(LINT) ## check the alerts and the dashboard, with Prometheus's own engine: vet, tidy, lint and tests of charts/rules
	@echo "== alerts and dashboard"
	@cd charts/rules && go vet ./... && $(CURDIR)/$(LINT) run ./... && go test -count 1 ./...
	@cd charts/rules && go mod tidy -diff || { echo "charts/rules/go.mod is not tidy; go mod tidy there makes it so" >&2; exit 1; }

.PHONY: lint
lint: $(LINT) ## run golangci-lint
	@echo "== golangci-lint $(LINT_VERSION)"
	@$(LINT) run ./...
	@$(LINT) run --build-tags otel ./internal/tracing ./internal/testkit/oteltest ./test/otel
	@cd test/kube && ../../$(LINT) run ./...

.PHONY: vet
vet: ## run go vet, for each set of build tags
	@echo "== go vet"
	@for tags in '' nosqs nopubsub nonats noingest otel nosqs,nopubsub,nonats,noingest; do go vet -tags "$$tags" ./...; done
	@cd test/kube && go vet ./...

.PHONY: fmt
fmt: $(LINT) ## put code and imports into their form
	@$(LINT) fmt ./...

# Exit code 3 means that a vulnerability was found. The database is not on every network, and no
# failure of the code.
.PHONY: vulns
vulns: $(GOVULNCHECK) ## look for known vulnerabilities in what is called; says so where the database cannot be reached
	@echo "== govulncheck $(GOVULNCHECK_VERSION)"
	@code=0; said=$$($(GOVULNCHECK) -tags '$(LEAN)' ./... 2>&1) || code=$$?; printf '%s\n' "$$said"; \
	case $$code in \
	0) ;; \
	3) exit 1 ;; \
	*) if grep -q 'vuln\.go\.dev' <<<"$$said"; then echo "make vulns: NOT CHECKED: the database of vulnerabilities cannot be reached" >&2; else exit $$code; fi ;; \
	esac

.PHONY: cover
cover: ## test each package and print how much of the code was run
	@go test -timeout 8m -coverpkg ./... -coverprofile cover.out $$(go list ./... | grep -Ev '$(INTEGRATION)')
	@go tool cover -func cover.out | tail -n 1

.PHONY: figures
figures: ## print how long functions, files and packages are
	@go run ./internal/testkit/codefigures .

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "== $$file $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$${file%/*}"; \
		done; \
	done

.PHONY: chaos
chaos: ## kill and restart the program under load for CHAOS, and count the messages
	CARRIER_CHAOS=$(CHAOS) go test -count 1 -timeout 0 -v -run 'Killed|WithoutAFault' ./test/...

.PHONY: damage
damage: ## damage DAMAGE queue files in every way, and start on each three times
	CARRIER_DAMAGE=$(DAMAGE) go test -count 1 -timeout 0 -v -run NoDamageIsACrashLoop ./internal/queue

.PHONY: bench
bench: ## measure speed, cost and memory into bench/report.md; bench-quick takes two minutes
	@go run ./bench -report bench/report.md

.PHONY: bench-quick
bench-quick:
	@go run ./bench -quick

# test/kube is a module of its own: Kubernetes is no dependency of carrier. Its tests
# need nothing of it.
.PHONY: verify-kube
verify-kube: ## run the chart's pods on a real kubelet, built and started here; needs root
	@cd test/kube && go run . $(if $(ONLY),-only $(ONLY))

##@ Images

.PHONY: image
image: ## build the images IMAGE:VERSION and, without Pub/Sub, IMAGE:VERSION-sqs
	docker build $(IMAGEFLAGS) -t $(IMAGE):$(VERSION) .
	docker build $(IMAGEFLAGS) --target sqs -t $(IMAGE):$(VERSION)-sqs .

# The files that name an image to build in or to run. A tag may be given another image at any
# time; a digest may not.
PINNED := Dockerfile Dockerfile.release examples/compose-pubsub/compose.yaml examples/compose-nats/compose.yaml

.PHONY: pin
pin: ## write the digests of the images that are pulled into the files that name them; needs a registry
	@for image in $$(sed -nE 's/^(ARG GO=| *image: )([^@ ]+).*/\2/p' $(PINNED) | sort -u); do \
		digest=$$(docker buildx imagetools inspect "$$image" | sed -n 's/^Digest: *//p'); \
		[[ $$digest == sha256:* ]] || { echo "make pin: no digest for $$image" >&2; exit 1; }; \
		sed -i -E "s|^(ARG GO=\|( *)image: )$$image(@.*)?\$$|\1$$image@$$digest|" $(PINNED); \
		echo "$$image@$$digest"; \
	done

.PHONY: pinned
pinned: ## fail unless what a release is built in is named by its digest
	@grep -q '^ARG GO=.*@sha256:' Dockerfile.release || { echo 'Dockerfile.release: its base image has no digest; make pin writes it' >&2; exit 1; }

.PHONY: footprint
footprint: image ## print the size of both images and the memory they take when idle
	@COMPOSE='$(COMPOSE)' VERSION=$(VERSION) COMMIT=$(COMMIT) bench/footprint.sh $(IMAGE) $(VERSION)

.PHONY: compose
compose: plugin ## start the stack examples/EXAMPLE: compose (SQS), compose-pubsub, compose-nats, fanout, lambda, priority or pull
	VERSION=$(VERSION) COMMIT=$(COMMIT) $(STACK) up --build --detach
	@$(STACK) ps
	@echo 'send a message:'
	@sed -n '/^curl/,/[^\\]$$/{s/^/  /p;/[^\\]$$/q}' examples/$(EXAMPLE)/README.md

.PHONY: decompose
decompose: plugin ## stop that stack and remove its volumes
	$(STACK) --profile ingest down --volumes

.PHONY: clean
clean: ## remove what was made
	rm -rf bin carrier cover.out

##@ Releases

.PHONY: release-check
release-check: $(GORELEASER) $(ACTIONLINT) ## check .goreleaser.yaml and the workflows
	@$(ACTIONLINT)
	@$(GORELEASER) check

.PHONY: release-notes
release-notes: ## print the section of CHANGELOG.md for VERSION
	@awk -v want='[$(VERSION)]' '/^## / { on = $$2 == want; found = found || on; next } on; \
		END { exit !found }' CHANGELOG.md || { echo "CHANGELOG.md has no section for $(VERSION)" >&2; exit 1; }

# What the targets above are made of.

.PHONY: tools
tools:
	@for tool in go node npm; do \
		command -v "$$tool" >/dev/null || { echo "make: $$tool is not on the PATH; CONTRIBUTING.md says what is needed" >&2; exit 1; }; \
	done

.PHONY: chromium
chromium:
	@if [ -n "$${CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome headless-shell >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "== installing chromium, once"; apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else \
		echo "make: the page is tested in Chromium; install the package chromium, or set CHROMIUM to a browser's path" >&2; exit 1; \
	fi

.PHONY: cmake
cmake:
	@missing=; for tool in cmake autoreconf libtoolize; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "== installing what compiles Node's runtime of Lambda, once"; \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends cmake autoconf automake libtool make g++ >/dev/null; \
	else \
		echo "make: Node's runtime of Lambda is compiled with$$missing; install the packages cmake, autoconf, automake and libtool" >&2; exit 1; \
	fi

.PHONY: runnable
runnable:
	@[ -n '$(WORKER_$(WORKER))' ] || { echo 'make: WORKER is $(WORKER); it is go, python or node' >&2; exit 1; }
	@case '$(EXAMPLE)' in compose|sqs) ;; *) echo 'make: EXAMPLE is $(EXAMPLE); make run knows sqs, and make compose the stacks' >&2; exit 1 ;; esac

.PHONY: plugin
plugin:
	@$(COMPOSE) version >/dev/null 2>&1 || { echo "make: '$(COMPOSE)' does not run; install Docker and its Compose plugin (the package docker-compose-plugin; https://docs.docker.com/compose/install), or set COMPOSE; make run EXAMPLE=sqs needs neither" >&2; exit 1; }

.PHONY: compiler
compiler:
	@if [ -n '$(RACE)' ] && ! command -v "$$(go env CC | cut -d' ' -f1)" >/dev/null; then \
		echo "make: the race detector needs a C compiler (gcc); without one: make $(MAKECMDGOALS) RACE=" >&2; exit 1; \
	fi

.PHONY: format
format:
	@echo "== gofmt"
	@wrong=$$(find . -name '*.go' -not -path '*/node_modules/*' -exec gofmt -l {} +); \
	if [ -n "$$wrong" ]; then printf 'not in the form of gofmt; make fmt writes it:\n%s\n' "$$wrong" >&2; exit 1; fi

.PHONY: tidy
tidy:
	@echo "== go mod tidy"
	@go mod tidy -diff || { echo "go.mod and go.sum are not tidy; go mod tidy makes them so" >&2; exit 1; }

$(LINT):
	@echo "== installing golangci-lint $(LINT_VERSION), once"
	@mkdir -p bin
	@GOBIN=$(CURDIR)/bin GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv bin/golangci-lint $@

$(GORELEASER):
	@echo "== installing goreleaser $(GORELEASER_VERSION), once"
	@mkdir -p bin
	@GOBIN=$(CURDIR)/bin GOFLAGS= go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv bin/goreleaser $@

$(ACTIONLINT):
	@echo "== installing actionlint $(ACTIONLINT_VERSION), once"
	@mkdir -p bin
	@GOBIN=$(CURDIR)/bin GOFLAGS= go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@mv bin/actionlint $@

$(GOVULNCHECK):
	@echo "== installing govulncheck $(GOVULNCHECK_VERSION), once"
	@mkdir -p bin
	@GOBIN=$(CURDIR)/bin GOFLAGS= go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv bin/govulncheck $@
