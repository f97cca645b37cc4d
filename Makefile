# What a person types. `make` alone lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
NPM_CI  := npm ci --no-audit --no-fund --loglevel=error
LINT    := bin/golangci-lint
# Pinned: a new release brings new rules, and those deserve a commit of their own.
LINT_VERSION := v2.15.0

# make test RACE=1 runs the Go tests with the race detector, which needs a C compiler.
RACE ?=
# make test-e2e E2E='tutorial.test.mjs' runs one file of the browser tests.
E2E ?=
# Browser tests that wait more than they work, and that hold nothing to a fraction
# of a second: two of these run at a time. All others have the machine to themselves.
E2E_PATIENT := trouble.test.mjs pages.test.mjs room.test.mjs dvr.test.mjs tutorial.test.mjs sdk.test.mjs lint.test.mjs report.test.mjs
E2E_ALONE   := $(filter-out $(E2E_PATIENT),$(notdir $(wildcard test/e2e/*.test.mjs)))
E2E_RUN     := node --test --test-timeout=600000 --test-concurrency

GO_SOURCES := $(shell git ls-files --cached --others --exclude-standard -- '*.go' go.mod go.sum cmd internal 2>/dev/null)
UI_SOURCES := $(shell git ls-files --cached --others --exclude-standard -- web 2>/dev/null | grep -v -e '\.go$$')
# Files that git lists but that were deleted would be targets nobody can make.
GO_SOURCES := $(wildcard $(GO_SOURCES))
UI_SOURCES := $(wildcard $(UI_SOURCES))

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: need-run build ## install what is missing, build, and start the server on http://localhost:8080
	exec bin/sluice serve

.PHONY: build
build: bin/sluice ## build the pages and bin/sluice

.PHONY: ui
ui: internal/ui/dist/.built ## build the pages into internal/ui/dist

.PHONY: test
test: test-go test-ui test-e2e ## install what is missing, then run every test, the browser ones included

.PHONY: test-go
test-go: need-test ui ## run the Go tests (RACE=1 for the race detector)
	go test $(if $(RACE),-race) -timeout 10m ./...

# make fuzz FUZZTIME=10m PACKAGES=./internal/webrtc/... fuzzes less of it, for longer.
FUZZTIME ?= 60s
PACKAGES ?=
.PHONY: fuzz
fuzz: need-node ui ## by hand: fuzz every target (FUZZTIME=60s each, PACKAGES=./internal/cmaf)
	FUZZTIME='$(FUZZTIME)' scripts/fuzz.sh $(PACKAGES)

# The newer one is kept in data/newer-ffmpeg. That it is confined is not tested: its folder is not a system's.
.PHONY: test-newer-ffmpeg
test-newer-ffmpeg: need-test ui ## by hand: encode with the FFmpeg of a newer Debian (7.1)
	PATH="$$(scripts/newer-ffmpeg.sh data/newer-ffmpeg):$$PATH" && ffmpeg -version > /dev/null && \
	go test -count=1 -skip Confined -run 'Encode|Color|Resolution|FrameSize|Probe|Process' ./internal/ffmpeg && go test -count=1 ./internal/live

.PHONY: test-ui
test-ui: need-node web/node_modules/.package-lock.json ## run the unit tests of the pages
	cd web && npm test

.PHONY: test-e2e
test-e2e: need-test build test/e2e/node_modules/.package-lock.json ## run the browser tests against bin/sluice (E2E=file for one)
	cd test/e2e && $(if $(E2E),$(E2E_RUN)=1 $(E2E),failed=0; $(E2E_RUN)=2 $(E2E_PATIENT) || failed=1; $(E2E_RUN)=1 $(E2E_ALONE) && exit $$failed)

.PHONY: test-start
test-start: need-test build test/e2e/node_modules/.package-lock.json ## by hand: how fast a stream starts (TRIES=20)
	cd test/e2e && node --test start-times.mjs

.PHONY: soak
soak: need-test build test/e2e/node_modules/.package-lock.json ## by hand: one 720p stream for MINUTES=30
	node test/soak/soak.mjs

# make bench TABLES=latency,fanout SETUPS=a PLAYERS=Shaka SECONDS_EACH=60 TRIES=5 measures less of it, OUT=/tmp/bench writes elsewhere.
.PHONY: bench
bench: need-test build test/e2e/node_modules/.package-lock.json ## by hand: measure everything into docs/benchmarks.md (TABLES=latency,… SECONDS_EACH=300)
	TABLES='$(TABLES)' SETUPS='$(SETUPS)' PLAYERS='$(PLAYERS)' SECONDS_EACH='$(SECONDS_EACH)' TRIES='$(TRIES)' WAITERS='$(WAITERS)' OUT='$(abspath $(OUT))' node test/bench/bench.mjs

# make compare BASE=/path/to/sluice TABLES=latency PLAYERS=watch SECONDS_EACH=60 ROUNDS=2 compares less.
.PHONY: compare
compare: need-test build test/e2e/node_modules/.package-lock.json ## by hand: measure this build and another alternately (BASE=/path/to/sluice)
	BASE='$(BASE)' TABLES='$(TABLES)' SETUPS='$(SETUPS)' PLAYERS='$(PLAYERS)' SECONDS_EACH='$(SECONDS_EACH)' ROUNDS='$(ROUNDS)' node test/bench/compare.mjs

# make players PLAYERS='FFmpeg,mpv' SECONDS=60 lets some of them play. Programs that are not installed are named.
.PHONY: players
players: need-test build test/e2e/node_modules/.package-lock.json ## by hand: programs of others play a stream (SECONDS=60)
	PLAYERS='$(PLAYERS)' SECONDS='$(SECONDS)' node test/players/players.mjs

.PHONY: lint
lint: need-node $(LINT) ui ## run the linters of Go and of the pages
	$(LINT) run ./...
	$(LINT) fmt --diff
	cd web && npm run --if-present check && npm run --if-present lint

.PHONY: fmt
fmt: $(LINT) ## format the Go files
	$(LINT) fmt

.PHONY: clean
clean: ## remove what was built, keep data
	rm -rf bin web/node_modules test/e2e/node_modules test/screenshots
	find internal/ui/dist -mindepth 1 ! -name .gitkeep -delete

# What is missing is installed by the script, which changes nothing when all is there.

.PHONY: need-run
need-run: need-node
	@scripts/install-missing.sh ffmpeg

.PHONY: need-test
need-test: need-node
	@scripts/install-missing.sh ffmpeg chromium firefox xmllint nginx varnishd openssl $(if $(RACE),gcc)

.PHONY: need-node
need-node:
	@scripts/check-toolchain.sh

bin/sluice: $(GO_SOURCES) internal/ui/dist/.built
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/sluice

# The stamp lies among what it vouches for, so that it goes when that goes.
internal/ui/dist/.built: $(UI_SOURCES) web/node_modules/.package-lock.json
	cd web && npm run build
	@touch $@

# npm writes this file at the end of an install: it is the stamp.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && $(NPM_CI)
	@touch $@

$(LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
