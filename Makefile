# Everything a developer, a merge or a release runs. `make` alone lists the targets.
#
# Node.js is found by gateway/node, so the tools below work whatever `node` on PATH is.

NODE := gateway/node
BIN := $(NODE) node_modules/.bin
PACKAGES := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Setting up

.PHONY: deps
deps: $(PACKAGES) ## Install the npm packages, Node.js among them, when they changed

# npm writes this file last, so an interrupted installation is started again.
$(PACKAGES): package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

## Checking

.PHONY: check
check: types lint format-check unit ## Types, lint, format and unit tests: seconds, run it often

.PHONY: types
types: deps ## Check the types
	$(BIN)/tsc -p tsconfig.json
	$(if $(wildcard loadtest/k6/tsconfig.json),$(BIN)/tsc -p loadtest/k6/tsconfig.json)

.PHONY: lint
lint: deps ## Lint with type information
	$(BIN)/oxlint --type-aware --deny-warnings

.PHONY: format-check
format-check: deps
	$(BIN)/oxfmt --check

.PHONY: format
format: deps ## Format every file in place
	$(BIN)/oxfmt

.PHONY: unit
unit: deps ## Unit tests, all in one process
	$(NODE) --test --test-isolation=none --test-timeout=30000 'gateway/**/*.test.ts'

.PHONY: clean
clean: ## Remove what the other targets made, packages aside
	rm -rf .cache dist
