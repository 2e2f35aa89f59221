# Everything a newcomer needs: `make sandbox` to look, `make test` to check. `make help` lists the rest.

SHELL := /bin/bash
BIN := .venv/bin
PORT ?= 8000
HOST ?= 127.0.0.1
# Test processes at once, and further arguments for pytest: make test ARGS="tests/faktura -k number"
JOBS ?= auto
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: environment
environment: ## Make .venv with everything developers need
	@scripts/environment dev

.PHONY: sandbox
sandbox: ## Start the demo site with server and worker (PORT=8000)
	@PORT=$(PORT) HOST=$(HOST) scripts/sandbox

.PHONY: sandbox-reset
sandbox-reset: ## Throw the demo site's data away; the next start makes them anew
	@scripts/sandbox-reset

.PHONY: test
test: environment ## Run the tests on SQLite
	@CMS_BILLING_TEST_DB=sqlite $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

.PHONY: test-postgres
test-postgres: environment ## Run the tests on PostgreSQL (PGHOST, PGPORT, PGUSER, PGPASSWORD)
	@CMS_BILLING_TEST_DB=postgres $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

.PHONY: browser-test
browser-test: environment ## Run only the tests that drive a browser
	@$(BIN)/python -m pytest -m browser $(ARGS)

.PHONY: coverage
coverage: environment ## Run the tests and show which lines they miss
	@$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term-missing:skip-covered --cov-report=html $(ARGS)

.PHONY: lint
lint: environment ## Check style, imports, templates, migrations and settings
	@scripts/lint

.PHONY: format
format: environment ## Put code and imports in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: types
types: environment ## Check the types of the package
	@$(BIN)/mypy

.PHONY: docs
docs: environment ## Build the documentation in docs/_build/html
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

.PHONY: messages
messages: environment ## Collect the texts for translation and compile them
	@scripts/messages

.PHONY: bench
bench: environment ## Measure the figures that README and docs quote
	@scripts/bench

.PHONY: constraints
constraints: environment ## Look for newer versions and pin them in constraints.txt
	@scripts/constraints

.PHONY: clean
clean: ## Remove caches and built documentation, but neither .venv nor the sandbox's data
	rm -rf .cache .coverage docs/_build build dist *.egg-info
