# The commands of this project; `make` lists them. Needs python3 (3.11 or newer) and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup peer chromium demo test lint types conformance format lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12 | sed 's/^/  make /'

setup: ## make .venv from the lock; the other commands do it by themselves
	@scripts/setup.sh

peer: setup ## make .peer, the real Prefect in an environment of its own
	@scripts/peer.sh

chromium: ## install the browser that tests of web pages need, where it is missing
	@scripts/chromium.sh

demo: setup ## run real flows against a real server and show what was recorded (KEEP=1 leaves it running)
	@$(BIN)/python -m scripts.demo $(if $(KEEP),--keep)

test: setup peer chromium lint types conformance ## all checks, and the whole test suite on both databases (ARGS="-k name" narrows it)
	@$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

lint: setup ## style, layers, file sizes and the generated client
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/python scripts/check_sizes.py
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/unasync.py --check

types: setup ## strict types of everything under src
	@$(BIN)/pyright --warnings

conformance: setup peer ## compare our API with Prefect's (ARGS=--all shows the listed differences too)
	@$(BIN)/python -m scripts.conformance $(if $(filter conformance,$(MAKECMDGOALS)),$(ARGS))

format: setup ## put the code in its standard form
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

lock: ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade takes newest versions)
	@scripts/lock.sh $(ARGS)

clean: ## remove everything that can be made again
	rm -rf .venv .venv-lock .peer .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build

ifneq ($(wildcard benchmarks/.),)
.PHONY: bench
bench: peer ## measure the budgets and print them as a table
	@$(BIN)/python -m benchmarks $(ARGS)
endif
