# Everything a developer, a merge or a release runs. `make` alone lists the targets.
#
# Node.js is found by gateway/node, so the tools below work whatever `node` on PATH is.

NODE := gateway/node
BIN := $(NODE) node_modules/.bin
TEST := $(NODE) --test --test-reporter=spec
# What Node.js has compiled, and stripped of types, it keeps for the next of hundreds of processes.
export NODE_COMPILE_CACHE := $(CURDIR)/.cache/node
VERSION = $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)

# Three files at a time, each in a process of its own: most of them wait most of the time. A test or a file
# that takes longer is stuck.
IN_PROCESSES := --test-concurrency=$(or $(GATEHOUSE_TEST_PROCESSES),3) --test-timeout=$(or $(GATEHOUSE_TEST_TIMEOUT_MS),120000)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@ /{print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

##@ See it work

.PHONY: demo
demo: deps ## A real MCP server, Gatehouse, a stock client and a person who signs in, in a minute
	$(NODE) gateway/testkit/demo.ts

.PHONY: run
run: deps ## The same, and it stays up for you to try
	$(NODE) gateway/testkit/demo.ts --stay

.PHONY: demo-agents
demo-agents: deps ## A hundred agents register, call a tool and are cleaned up
	$(NODE) gateway/testkit/demo-agents.ts

##@ Check

.PHONY: check
check: types lint format-check unit ## Types, lint, format and unit tests: seconds, run it often

.PHONY: types
types: deps ## Check the types, those of the k6 scripts too
	$(BIN)/tsc -p tsconfig.json
	$(BIN)/tsc -p loadtest/k6/tsconfig.json

.PHONY: lint
lint: deps ## Lint with type information
	$(BIN)/oxlint --type-aware --deny-warnings

.PHONY: format-check
format-check: deps
	$(BIN)/oxfmt --check

.PHONY: format
format: deps ## Format every file in place
	$(BIN)/oxfmt

.PHONY: docs
docs: deps ## Write the documents that are made from the program
	$(NODE) gateway/testkit/cli-reference.ts
	$(NODE) gateway/testkit/config-reference.ts
	$(NODE) gateway/testkit/policy-reference.ts
	$(NODE) deploy/grafana/dashboard.ts
	$(BIN)/oxfmt deploy/grafana

.PHONY: unit
unit: deps ## Unit tests, all in one process
	$(TEST) --test-isolation=none --test-timeout=30000 'gateway/**/*.test.ts' 'loadtest/**/*.test.ts'

##@ Test

.PHONY: test
test: tools deps py ## Everything that gates a merge, suite by suite, with counts and seconds
	$(NODE) gateway/testkit/suites.ts

.PHONY: fuzz
fuzz: deps ## Properties of what reads hostile input
	$(TEST) $(IN_PROCESSES) 'gateway/**/*.fuzz.ts'

.PHONY: e2e
e2e: deps py ## Real gateways, servers and clients on loopback
	$(TEST) $(IN_PROCESSES) 'gateway/e2e/*.e2e.ts' 'gateway/e2e/!(conformance|faults|pages|store)/**/*.e2e.ts'

.PHONY: store
store: tools deps ## The state store on a real Redis and a real PostgreSQL
	$(TEST) $(IN_PROCESSES) 'gateway/state/*.store.ts' 'gateway/e2e/store/*.e2e.ts'

.PHONY: pages
pages: tools deps ## The pages people see, in a real browser
	$(TEST) $(IN_PROCESSES) 'gateway/e2e/pages/*.e2e.ts'

.PHONY: conformance
conformance: deps ## The official MCP conformance suite through the gateway
	$(TEST) $(IN_PROCESSES) 'gateway/e2e/conformance/*.e2e.ts'

.PHONY: faults
faults: deps ## Kills, resets and floods, and what must hold through them
	$(TEST) $(IN_PROCESSES) --test-concurrency=2 'gateway/e2e/faults/*.e2e.ts'

.PHONY: deploy-check
deploy-check: tools deps py ## Image, manifests, alert rules and units, without an engine
	$(TEST) $(IN_PROCESSES) 'deploy/**/*.test.ts'

# A seed of GATEHOUSE_FUZZ_SEED replays a run; without one every run has its own. It ends by itself within
# half an hour, with a table of what was tried.
.PHONY: prove
prove: export GATEHOUSE_PROVE := 1
prove: export GATEHOUSE_FUZZ_SEED ?= $(shell date +%s)
prove: export GATEHOUSE_KILL_ROUNDS := 20
prove: export GATEHOUSE_TEST_TIMEOUT_MS := 1200000
prove: tools deps py ## The same suites with the full numbers of cases, under half an hour
	$(NODE) gateway/testkit/suites.ts

##@ Measure

.PHONY: bench
bench: deps ## Against nginx, haproxy and http-proxy-3, on this machine (BENCH=--quick)
	-.ci/tools bench
	$(NODE) loadtest/bench/main.ts $(BENCH)

.PHONY: bench-policy
bench-policy: deps ## What one policy decision costs, with and without conditions
	$(NODE) loadtest/bench/policy.ts

.PHONY: curves
curves: deps ## What a call costs as callers, rules, servers, tools, workers, replicas and streams grow (CURVES=--quick)
	-.ci/tools bench
	$(NODE) loadtest/bench/curves.ts $(CURVES)

.PHONY: capacity
capacity: tools deps ## What a call, a token, a limit and a row cost gateway, Redis and PostgreSQL
	-.ci/tools bench
	$(NODE) loadtest/bench/capacity.ts

.PHONY: bench-tokens
bench-tokens: deps ## The authorization server: 1,000 agents, and 500 registrations a second (BENCH=--quick)
	-.ci/tools bench
	$(NODE) loadtest/bench/agents/main.ts $(BENCH)

.PHONY: load
load: deps ## Seven kinds of load, with k6 or from Node, and a chart (LOAD='--only main --rate 500')
	$(NODE) loadtest/load/main.ts $(LOAD)

.PHONY: soak
soak: deps ## Half an hour of calls, streams and faults (SOAK='--minutes 5')
	$(NODE) loadtest/load/soak.ts $(SOAK)

##@ Ship

.PHONY: build
build: deps ## JavaScript and types for the npm package, in dist/
	rm -rf dist
	$(BIN)/tsc -p tsconfig.build.json

.PHONY: image
image: ## The container image, with docker, podman or buildah
	@engine=$$(command -v docker || command -v podman || command -v buildah) || \
		{ echo "make image needs docker, podman or buildah" >&2; exit 1; }; \
	$$engine build --file deploy/Dockerfile --tag gatehouse:$(VERSION) .

##@ Set up

.PHONY: deps
deps: node_modules/.package-lock.json ## Install the npm packages, Node.js among them, when they changed

# npm writes this file last, so an interrupted installation is started again. Through a link, as a second
# work tree may have, npm would empty the directory of somebody else.
node_modules/.package-lock.json: package-lock.json
	@[ ! -L node_modules ] || { echo "node_modules is a link: install where it leads, or remove it" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: py
py: .cache/py/installed ## Install the Python packages of the tests, when they changed

.cache/py/installed: gateway/testkit/requirements.txt
	python3 -m venv --clear .cache/py
	.cache/py/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps -r $<
	@touch $@

.PHONY: tools
tools: ## Install the system packages of the tests, or say which are missing
	@.ci/tools

.PHONY: clean
clean: ## Remove what the other targets made, npm packages aside
	rm -rf .cache dist
